// A Raster over a machine: copies arrays to where the machine's memory is, and pictures back.
#pragma once
#include <numeric>

#include "raster_bytes.h"
#include "raster_compare.h"
#include "raster_cover.h"
#include "stored_pictures.h"

namespace splatzip::cuda {

template <class Machine, bool Precise>
class RasterOf : public Raster {
 public:
  template <class... Arguments>
  explicit RasterOf(Arguments... arguments) : machine_(arguments...), pipeline_(&machine_) {}

  RasterSizes sizes() const override { return {splats_, coefficients_, pictures_.color ? pixels_ : 0}; }

  bool set_scene(const SceneArrays<const float>& arrays, int64_t splats, int sh_degree, bool on_device) override {
    forget_problem();
    advice_ = "; use device cpu";
    splats_ = splats, coefficients_ = sh_coefficients(sh_degree), pictures_ = {};
    has_scene_ = scored_ = covered_ = false;
    if (on_device) {
      pipeline_.set_scene(arrays, splats, sh_degree);
    } else {
      const int64_t widths[5] = {3, 3, 4, 1, 3 * coefficients_};
      size_t bytes = 0;
      for (int k = 0; k < 5; ++k) bytes += scene_[k].growth(splats * widths[k]);
      if (!machine_.has_room(bytes)) return false;
      pipeline_.set_scene(
          {copied(&scene_[0], arrays.positions, splats * 3), copied(&scene_[1], arrays.log_scales, splats * 3),
           copied(&scene_[2], arrays.rotations, splats * 4), copied(&scene_[3], arrays.opacity_logits, splats * 1),
           copied(&scene_[4], arrays.sh, splats * 3 * coefficients_)},
          splats, sh_degree);
      for (auto& array : scene_) array.release();  // it is laid out for pictures now
      machine_.wait();                             // the caller's arrays may go, pinned or not
    }
    return has_scene_ = !machine_.failed();
  }

  bool keep(const uint32_t* rows, int64_t splats) override {
    forget_problem();
    advice_ = "; use device cpu";
    if (!has_scene_) return refuse(kNoScene);
    if (std::any_of(rows, rows + splats, [&](uint32_t row) { return row >= splats_; }))
      return refuse("rows that stay are not in the scene");
    pictures_ = {};
    scored_ = covered_ = false;
    pipeline_.keep(rows, splats);
    if (!machine_.failed()) splats_ = splats;
    return !machine_.failed();
  }

  bool render(const Views& views, float* color, float* alpha, float* depth, bool keeps, bool on_device) override {
    const int64_t pixels = pixels_of(views);
    if (!begin_pictures()) return false;
    size_t bytes = keeps ? transmittance_.growth(pixels) + last_entry_.growth(pixels) : 0;
    if (!on_device)
      bytes += color_.growth(3 * pixels) + (alpha ? alpha_.growth(pixels) : 0) + (depth ? depth_.growth(pixels) : 0);
    if (!machine_.has_room(bytes)) return false;
    BatchPictures pictures = {color, alpha, depth, nullptr, nullptr};
    if (!on_device)
      pictures = {color_.reserve(machine_, 3 * pixels), alpha ? alpha_.reserve(machine_, pixels) : nullptr,
                  depth ? depth_.reserve(machine_, pixels) : nullptr, nullptr, nullptr};
    pixels_ = pixels;
    if (keeps) {
      pictures.transmittance = transmittance_.reserve(machine_, pixels);
      pictures.last_entry = last_entry_.reserve(machine_, pixels);
    }
    if (!pipeline_.render(views, pictures)) return false;
    pictures_ = pictures;
    if (!on_device) {
      machine_.read(color, pictures.color, 3 * pixels);
      if (alpha) machine_.read(alpha, pictures.alpha, pixels);
      if (depth) machine_.read(depth, pictures.depth, pixels);
    }
    return !machine_.failed();
  }

  bool render_bytes(const Views& views, uint8_t* color) override {
    const int64_t values = 3 * pixels_of(views);
    constexpr int64_t kOfWarp = kLanes * PictureBytes::kTogether;
    if (!begin_pictures()) return false;
    if (!machine_.has_room(color_.growth(values) + bytes_.growth(values))) return false;
    float* floats = color_.reserve(machine_, values);
    uint8_t* bytes = bytes_.reserve(machine_, values);
    const BatchPictures pictures = {floats, nullptr, nullptr, nullptr, nullptr};
    if (!pipeline_.render(views, pictures)) return false;
    pictures_ = pictures, pixels_ = values / 3;
    machine_.run(PictureBytes{floats, values, bytes}, (values + kOfWarp - 1) / kOfWarp);
    machine_.read(color, bytes, values);
    return !machine_.failed();
  }

  bool store(const Views& views, Pictures* to) override {
    const int64_t values = 3 * pixels_of(views), count = static_cast<int64_t>(views.size());
    if (!begin_pictures()) return false;
    advice_ = "; use device cpu";
    if (!machine_.has_room(color_.growth(values))) return false;
    const BatchPictures pictures = {color_.reserve(machine_, values), nullptr, nullptr, nullptr, nullptr};
    if (!pipeline_.render(views, pictures)) return false;
    pictures_ = pictures, pixels_ = values / 3;
    const ToHalves job = {pictures.color, values, to->add_empty(count, views[0].width, views[0].height)};
    if (!job.halves) return refuse(to->problem() + advice_);
    machine_.run(job, job.warps());
    return !machine_.failed();
  }

  bool compare(const Views& views, const std::vector<StoredPicture>& targets, double* sums) override {
    const int64_t count = static_cast<int64_t>(views.size()), values = 3 * pixels_of(views) / count,
                  parts = SquaredDifferences::parts_of(values);
    if (!begin_pictures()) return false;
    if (!machine_.has_room(color_.growth(count * values) + differences_.growth(count * parts))) return false;
    const BatchPictures pictures = {color_.reserve(machine_, count * values), nullptr, nullptr, nullptr, nullptr};
    double* differences = differences_.reserve(machine_, count * parts);
    if (!pipeline_.render(views, pictures)) return false;
    pictures_ = pictures, pixels_ = count * values / 3;
    for (int64_t view = 0; view < count; ++view)
      machine_.run(SquaredDifferences{pictures.color + view * values, targets[static_cast<size_t>(view)].numbers,
                                      values, differences + view * parts},
                   parts);
    std::vector<double> found(static_cast<size_t>(count * parts));
    machine_.read(found.data(), differences, count * parts);
    for (int64_t view = 0; view < count; ++view)
      sums[view] = std::accumulate(found.data() + view * parts, found.data() + (view + 1) * parts, 0.0);
    return !machine_.failed();
  }

  bool count(BatchCounts* counts) override {
    if (!pictures_.color) return refuse("no picture was drawn");
    *counts = pipeline_.count();
    return !machine_.failed();
  }

  bool backward(const float* g_color, const float* g_alpha, const SceneArrays<float>& gradient, float* g_background,
                bool on_device) override {
    if constexpr (Precise) {
      if (!pictures_.transmittance) return refuse("no picture was kept for its gradients");
      const int widths[5] = {3, 3, 4, 1, 3 * coefficients_};
      float* const to[5] = {gradient.positions, gradient.log_scales, gradient.rotations, gradient.opacity_logits,
                            gradient.sh};
      float* at[5];
      for (int k = 0; k < 5; ++k) {  // 0 where no view has seen a splat
        at[k] = on_device ? to[k] : gradient_[k].reserve(machine_, splats_ * widths[k]);
        machine_.clear(at[k], splats_ * widths[k]);
      }
      const SceneArrays<float> there = {at[0], at[1], at[2], at[3], at[4]};
      if (on_device) return pipeline_.backward(pictures_, {g_color, g_alpha}, there, g_background);
      const PictureGradients g = {copied(&g_color_, g_color, 3 * pixels_),
                                  g_alpha ? copied(&g_alpha_, g_alpha, pixels_) : nullptr};
      float* behind = g_background_.reserve(machine_, 3);
      if (!pipeline_.backward(pictures_, g, there, behind)) return false;
      for (int k = 0; k < 5; ++k) machine_.read(to[k], at[k], splats_ * widths[k]);
      machine_.read(g_background, behind, 3);
      return !machine_.failed();
    } else {
      return refuse("gradients need a precise rasterizer");
    }
  }

  bool begin_scores(const ScoreKinds& kinds) override {
    pictures_ = {};
    kinds_ = kinds;
    return scored_ = of_scene([&](auto& pipeline) { return pipeline.begin_scores(kinds); });
  }
  bool add_scores(const Views& views, const std::vector<float>& weights, float floor) override {
    pictures_ = {};
    return of_scores([&](auto& pipeline) { return pipeline.add_scores(views, weights, floor); });
  }
  const ScoreKinds& score_kinds() const override { return kinds_; }
  bool read_scores(const ScoreArrays& out) override {
    return of_scores([&](auto& pipeline) { return pipeline.read_scores(out); });
  }

  bool begin_covers(const uint8_t* matters, int64_t splats) override {
    if (splats != splats_) return refuse("what matters is not said of each splat of the scene");
    return covered_ = of_scene([&](auto& pipeline) { return pipeline.begin_covers(matters); });
  }
  bool take_cover() override {
    return of_view([&](auto& pipeline) { return pipeline.take_cover(); });
  }
  bool add_candidate() override {
    return of_view([&](auto& pipeline) { return pipeline.add_candidate(); });
  }
  bool count_new(int64_t* count) override {
    return of_view([&](auto& pipeline) { return pipeline.count_new(count); });
  }
  bool read_missing(uint8_t* out) override {
    return of_covers([&](auto& pipeline) { return pipeline.read_missing(out); });
  }
  bool gain(size_t candidate, double* gain) override {
    return of_covers([&](auto& pipeline) {
      return candidate < pipeline.candidates() ? pipeline.gain(candidate, gain) : refuse("there is no such view");
    });
  }
  bool take_candidate(size_t candidate) override {
    return of_covers([&](auto& pipeline) {
      return candidate < pipeline.candidates() ? pipeline.take_candidate(candidate) : refuse("there is no such view");
    });
  }

  std::unique_ptr<Pictures> make_pictures() const override { return std::make_unique<PicturesOf<Machine>>(machine_); }

  std::string problem() const override {
    if (!refused_.empty()) return refused_;
    if (machine_.lacks_memory()) return machine_.problem() + advice_;
    return machine_.failed() ? machine_.problem() : "too many splats on too many tiles; draw a smaller picture";
  }

 private:
  template <class T>
  using Array = typename Machine::template Array<T>;
  static constexpr const char* kNoScene = "there is no scene";

  void forget_problem() {
    machine_.forget_problem();
    refused_.clear();
  }
  bool begin_pictures() {
    pictures_ = {};
    forget_problem();
    advice_ = "; draw fewer or smaller pictures at once";
    return has_scene_ || refuse(kNoScene);
  }
  // For scores and covers, which need float32. Problems of earlier calls are forgotten.
  template <class Work>
  bool precisely(Work work) {
    forget_problem();
    advice_ = "; use device cpu";
    if constexpr (Precise) return work(pipeline_);
    return refuse("scores need a precise rasterizer");
  }
  // The same where there is a scene, scores of it, covers of it, and a view that was scored last. All are of one scene:
  // arrays made for another would be too short.
  template <class Work>
  bool of_scene(Work work) {
    return precisely([&](auto& pipeline) { return has_scene_ ? work(pipeline) : refuse(kNoScene); });
  }
  template <class Work>
  bool of_scores(Work work) {
    return precisely([&](auto& pipeline) { return scored_ ? work(pipeline) : refuse("no scores were begun"); });
  }
  template <class Work>
  bool of_covers(Work work) {
    return precisely([&](auto& pipeline) { return covered_ ? work(pipeline) : refuse("no covers were begun"); });
  }
  template <class Work>
  bool of_view(Work work) {
    return of_covers([&](auto& pipeline) { return scored_ ? work(pipeline) : refuse("no scores were begun"); });
  }
  bool refuse(std::string why) {
    refused_ = std::move(why);
    return false;
  }

  const float* copied(Array<float>* to, const float* from, int64_t size) {
    float* at = to->reserve(machine_, size);
    machine_.write(at, from, size);
    return at;
  }

  Machine machine_;
  std::conditional_t<Precise, RasterCovers<Machine>, RasterPipeline<Machine, false>> pipeline_;
  int64_t splats_ = 0, pixels_ = 0;
  int coefficients_ = 1;
  BatchPictures pictures_ = {};                                // of the last render, as long as its lists are there
  bool has_scene_ = false, scored_ = false, covered_ = false;  // begun, of this scene
  ScoreKinds kinds_ = {};
  std::string refused_, advice_;
  Array<float> scene_[5], color_, alpha_, depth_, transmittance_;
  Array<double> differences_;
  Array<float> gradient_[5], g_color_, g_alpha_, g_background_;
  Array<uint32_t> last_entry_;
  Array<uint8_t> bytes_;
};

}  // namespace splatzip::cuda
