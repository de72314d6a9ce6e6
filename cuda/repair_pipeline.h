// RepairSteps over a machine.
#pragma once
#include <algorithm>
#include <memory>
#include <vector>

#include "raster_passes.h"
#include "repair.h"
#include "repair_steps.h"
#include "round_pipeline.h"
#include "stored_pictures.h"

namespace splatzip::cuda {

template <class Machine>
class RepairOf : public RepairSteps {
 public:
  template <class... Arguments>
  explicit RepairOf(Arguments... arguments) : machine_(arguments...), pipeline_(&machine_), rounding_(&machine_) {}

  bool begin(const SceneArrays<const float>& arrays, int64_t splats, int sh_degree) override {
    refused_.clear();
    splats_ = splats, degree_ = sh_degree, numbers_ = 3 * sh_coefficients(sh_degree);
    targets_.clear();
    write_all(arrays, values_);
    for (int a = 0; a < kAttributes; ++a) {
      const int64_t size = splats_ * width(a);
      gradients_[a].reserve(machine_, size);
      machine_.clear(moments_[a].reserve(machine_, size), size);
      machine_.clear(squares_[a].reserve(machine_, size), size);
    }
    machine_.run(BeginRepair{splats_, values_[1].data(), values_[2].data(), units_.reserve(machine_, splats_)},
                 warps_for(splats_));
    pipeline_.set_scene(read_only(values_), splats_, degree_);
    shows_others_ = false;
    return !machine_.failed();
  }

  void set_targets(std::vector<StoredPicture> targets) override { targets_ = std::move(targets); }
  std::unique_ptr<Pictures> make_pictures() const override { return std::make_unique<PicturesOf<Machine>>(machine_); }

  bool plan(const RoundingPlan& plan) override {
    rounding_.begin(plan);
    return !machine_.failed();
  }

  bool show_rounded() override {
    if (!rounding_.planned()) return refuse("how values are rounded was not said");
    rounding_.run(read_only(values_));
    return show_rows(rounding_.outputs(), rounding_.rows(), rounding_.sources_there());
  }

  bool show(const SceneArrays<const float>& arrays) override {
    write_all(arrays, given_);
    return show_rows(read_only(given_), splats_, nullptr);
  }

  bool step(const View& view, int number_of_target, const RepairRates& rates, int64_t number) override {
    if (number_of_target < 0 || number_of_target >= static_cast<int>(targets_.size()))
      return refuse("there is no such picture to move towards");
    const StoredPicture& target = targets_[static_cast<size_t>(number_of_target)];
    if (target.width != view.width || target.height != view.height)
      return refuse("the target is not of its picture's size");
    if (!shows_others_ && number > 1) pipeline_.set_seen(read_only(values_));
    const int64_t pixels = int64_t{target.width} * target.height;
    const BatchPictures pictures = {picture_.reserve(machine_, 3 * pixels), alpha_.reserve(machine_, pixels), nullptr,
                                    transmittance_.reserve(machine_, pixels), last_entry_.reserve(machine_, pixels)};
    if (!pipeline_.render({view}, pictures)) return false;
    const float share = static_cast<float>(1 / (3.0 * static_cast<double>(pixels)));
    machine_.run(CompareToTarget{3 * pixels, target.numbers, 1 / rates.small, share, picture_.data()},
                 warps_for(3 * pixels));
    const SceneArrays<float> gradients = writable(gradients_);
    if (!pipeline_.backward(pictures, {picture_.data(), nullptr}, gradients, nullptr)) return false;
    const float first[kAttributes] = {rates.position, rates.log_scale, rates.rotation, rates.opacity_logit,
                                      rates.color};
    for (int a = 0; a < kAttributes; ++a)
      machine_.run(
          AdamStep{splats_, width(a), a == 4 ? 3 : width(a), first[a], rates.sh, a == 0 ? units_.data() : nullptr,
                   pipeline_.seen(), adam_unbiased(kAdamMomentum, number), adam_unbiased(kAdamMemory, number), a == 3,
                   gradients_[a].data(), moments_[a].data(), squares_[a].data(), values_[a].data()},
          warps_for(splats_ * width(a)));
    return !machine_.failed();
  }

  bool read(const SceneArrays<float>& arrays) override {
    float* const to[kAttributes] = {arrays.positions, arrays.log_scales, arrays.rotations, arrays.opacity_logits,
                                    arrays.sh};
    for (int a = 0; a < kAttributes; ++a)
      if (to[a]) machine_.read(to[a], values_[a].data(), splats_ * width(a));
    return !machine_.failed();
  }

  bool read_rounded(const SceneArrays<float>& arrays) override {
    if (!rounding_.planned()) return refuse("how values are rounded was not said");
    rounding_.run(read_only(values_));
    const SceneArrays<const float> found = rounding_.outputs();
    const float* const from[kAttributes] = {found.positions, found.log_scales, found.rotations, found.opacity_logits,
                                            found.sh};
    float* const to[kAttributes] = {arrays.positions, arrays.log_scales, arrays.rotations, arrays.opacity_logits,
                                    arrays.sh};
    for (int a = 0; a < kAttributes; ++a) {
      std::vector<float> rows(static_cast<size_t>(rounding_.rows() * width(a)));
      machine_.read(rows.data(), from[a], rounding_.rows() * width(a));
      for (int64_t row = 0; row < rounding_.rows(); ++row) {
        const int64_t source = rounding_.sources()[static_cast<size_t>(row)];
        if (source >= 0) std::copy_n(rows.data() + row * width(a), width(a), to[a] + source * width(a));
      }
    }
    return !machine_.failed();
  }

  std::string problem() const override {
    if (!refused_.empty()) return refused_;
    return machine_.failed() ? machine_.problem() : "too many splats on too many tiles; draw smaller pictures";
  }

 private:
  static constexpr int kAttributes = 5;  // in the order of SceneArrays
  template <class T>
  using Array = typename Machine::template Array<T>;

  int width(int attribute) const {
    const int widths[kAttributes] = {3, 3, 4, 1, numbers_};
    return widths[attribute];
  }
  static SceneArrays<const float> read_only(const Array<float>* a) {
    return {a[0].data(), a[1].data(), a[2].data(), a[3].data(), a[4].data()};
  }
  static SceneArrays<float> writable(Array<float>* a) {
    return {a[0].data(), a[1].data(), a[2].data(), a[3].data(), a[4].data()};
  }
  void write_all(const SceneArrays<const float>& arrays, Array<float>* to) {
    const float* const from[kAttributes] = {arrays.positions, arrays.log_scales, arrays.rotations,
                                            arrays.opacity_logits, arrays.sh};
    for (int a = 0; a < kAttributes; ++a)
      machine_.write(to[a].reserve(machine_, splats_ * width(a)), from[a], splats_ * width(a));
  }
  bool show_rows(const SceneArrays<const float>& from, int64_t count, const int32_t* rows) {
    for (int a = 0; a < kAttributes; ++a) shown_[a].reserve(machine_, splats_ * width(a));
    machine_.run(ShowRows{count, rows, numbers_, from, values_[2].data(), writable(shown_)}, warps_for(count));
    pipeline_.set_scene(read_only(shown_), splats_, degree_);
    shows_others_ = true;
    return !machine_.failed();
  }
  bool refuse(const char* why) {
    refused_ = why;
    return false;
  }

  Machine machine_;
  RasterPasses<Machine> pipeline_;  // of what is drawn
  Rounding<Machine> rounding_;
  int64_t splats_ = 0;
  int degree_ = 0, numbers_ = 3;
  bool shows_others_ = false;
  std::string refused_;
  Array<float> values_[kAttributes], moments_[kAttributes], squares_[kAttributes], gradients_[kAttributes];
  Array<float> given_[kAttributes], shown_[kAttributes], units_;
  std::vector<StoredPicture> targets_;
  Array<float> picture_, alpha_, transmittance_;
  Array<uint32_t> last_entry_;
};

}  // namespace splatzip::cuda
