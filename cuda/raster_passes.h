// Passes over the last pictures: gradients and scores. They need a precise scene.
//
//   render (keeping) -> tiles, back to front -> slots -> splats -> attributes      backward
//   render -> tiles again, front to back -> slots -> splats -> sums over views     scores
#pragma once
#include <algorithm>

#include "raster_backward.h"
#include "raster_pipeline.h"
#include "raster_score.h"

namespace splatzip::cuda {

// Warps a tile: the fewer, the fewer slots are written and added up.
constexpr int kBackwardBands = 2, kScoreBands = 2;
constexpr int64_t kReadAtOnce = int64_t{1} << 16;  // splats, whole groups of them

template <class Machine>
class RasterPasses : public RasterPipeline<Machine, true> {
  using Pipeline = RasterPipeline<Machine, true>;
  template <class T>
  using Array = typename Machine::template Array<T>;

 public:
  using Pipeline::Pipeline;

  // `pictures`: as the last render has left them, with transmittance and last_entry. Of splats that they do not show
  // no gradient is written; g_background may be null.
  bool backward(const BatchPictures& pictures, const PictureGradients& g, const SceneArrays<float>& gradient,
                float* g_background) {
    const int64_t bands = this->tiles() * kBackwardBands;
    float* slots = slots_.reserve(this->machine_, this->entries_ * kBackwardBands * kGradientSlot);
    float* by_band = by_band_.reserve(this->machine_, 3 * bands);
    this->machine_.run(BlendBackwardBand<kBackwardBands>{this->lists(), pictures.transmittance, pictures.last_entry, g,
                                                         slots, by_band},
                       bands);
    if (g_background) sum_background(by_band, bands, g_background);
    sum_slots<kGradientSlot, -1>(kBackwardBands);
    switch (this->degree_) {
      case 0: project_backward_degree<0>(gradient); break;
      case 1: project_backward_degree<1>(gradient); break;
      case 2: project_backward_degree<2>(gradient); break;
      case 3: project_backward_degree<3>(gradient); break;
      default: project_backward_degree<4>(gradient);
    }
    return !this->machine_.failed();
  }

  bool begin_scores(const ScoreKinds& kinds) {
    kinds_ = kinds;
    cleared(&basics_, kScoreBasicRows, true);
    cleared(&toward_, 3, kinds.directions);
    cleared(&seen_from_, 1, kinds.directions);
    cleared(&geometry_, kGeometryPairs, kinds.geometry_curvature);
    cleared(&color_, color_pairs(), kinds.color_curvature);
    return !this->machine_.failed();
  }

  // Draws a batch of views and adds what each says, times its weight, one after the other.
  bool add_scores(const Views& views, const std::vector<float>& weights, float floor) {
    if (kinds_.geometry_curvature) return add<kScoreCurvature>(views, weights, floor);
    if (kinds_.removal) return add<kScoreRemoval>(views, weights, floor);
    if (kinds_.transmittance) return add<kScoreTransmittance>(views, weights, floor);
    return add<kScoreWeights>(views, weights, floor);
  }

  // What of `out` is not null.
  bool read_scores(const ScoreArrays& out) {
    float* const basics[kScoreBasicRows] = {
        out.weight, out.squares, kinds_.transmittance ? out.transmittance : out.removal, out.pixels, out.most};
    for (int row = 0; row < kScoreBasicRows; ++row) read(basics_, kScoreBasicRows, row, 1, basics[row]);
    if (kinds_.directions) {
      read(toward_, 3, 0, 3, out.toward);
      if (out.seen_from) this->machine_.read(out.seen_from, seen_from_.data(), this->splats_);
    }
    if (kinds_.geometry_curvature) read(geometry_, kGeometryPairs, 0, kGeometryPairs, out.geometry_curvature);
    if (kinds_.color_curvature) read(color_, color_pairs(), 0, color_pairs(), out.color_curvature);
    return !this->machine_.failed();
  }

 protected:
  Array<float> basics_;  // sums over views, by group: see ScoreRow

 private:
  int color_pairs() const { return sh_coefficients(this->degree_) * (sh_coefficients(this->degree_) + 1) / 2; }

  template <int Width, int Most>
  void sum_slots(int bands) {
    float* sums = sums_by_splat_.reserve(this->machine_, this->views_ * this->groups_ * kGroup * Width);
    this->machine_.run(SumSlots<Width, Most>{this->order_.data(), this->first_entry_.data(), this->seen_,
                                             static_cast<uint32_t>(bands), slots_.data(), sums},
                       (this->seen_ + kLanes - 1) / kLanes);
  }

  void sum_background(const float* by_band, int64_t bands, float* g_background) {
    const int64_t parts = (bands + kSumsAtOnce - 1) / kSumsAtOnce;
    double* sums = by_part_.reserve(this->machine_, 3 * parts);
    this->machine_.run(SumRows<float, double>{by_band, bands, kSumsAtOnce, sums}, parts);
    this->machine_.run(SumRows<double, float>{sums, parts, parts, g_background}, 1);
  }

  template <int Degree>
  void project_backward_degree(const SceneArrays<float>& gradient) {
    this->machine_.run(
        ProjectBackwardGroup<Degree>{this->scene(), this->view_.data(), this->views_, this->seen_mask_.data(),
                                     this->splat_.data(), sums_by_splat_.data(), gradient},
        this->groups_);
  }

  template <ScorePass Pass>
  bool add(const Views& views, const std::vector<float>& weights, float floor) {
    constexpr int kSlot = score_slot(Pass);
    if (!this->list(views, true)) return false;
    this->machine_.write(weights_.reserve(this->machine_, this->views_), weights.data(), this->views_);
    float* color = nullptr;
    if (Pass >= kScoreRemoval) {
      color = picture_.reserve(this->machine_, 3 * pixels_of(views));
      this->template blend<false, false>({color, nullptr, nullptr, nullptr, nullptr});
    }
    float* slots = slots_.reserve(this->machine_, this->entries_ * kScoreBands * kSlot);
    this->machine_.run(ScoreBand<Pass, kScoreBands>{this->lists(), color, floor, slots}, this->tiles() * kScoreBands);
    sum_slots<kSlot, kScoreMost>(kScoreBands);
    switch (this->degree_) {
      case 0: add_groups<0>(kSlot); break;
      case 1: add_groups<1>(kSlot); break;
      case 2: add_groups<2>(kSlot); break;
      case 3: add_groups<3>(kSlot); break;
      default: add_groups<4>(kSlot);
    }
    return !this->machine_.failed();
  }

  template <int Degree>
  void add_groups(int width) {
    const ScoreSums to = {basics_.data(), kinds_.directions ? toward_.data() : nullptr,
                          kinds_.geometry_curvature ? geometry_.data() : nullptr,
                          kinds_.color_curvature ? color_.data() : nullptr,
                          kinds_.directions ? seen_from_.data() : nullptr};
    this->machine_.run(ScoreGroup<Degree>{this->scene(), this->view_.data(), weights_.data(), this->views_,
                                          this->seen_mask_.data(), sums_by_splat_.data(), width, to},
                       this->groups_);
  }

  template <class T>
  void cleared(Array<T>* sums, int rows, bool asked) {
    if (!asked) return;
    const int64_t size = this->groups_ * rows * kGroup;
    this->machine_.clear(sums->reserve(this->machine_, size), size);
  }

  // Rows [first, first + width) of groups with `rows` of them, to (N, width) of the CPU. In bands: curvature in another
  // order beside the sums themselves would take as much memory again.
  void read(const Array<float>& sums, int rows, int first, int width, float* out) {
    if (!out) return;
    const int64_t size = std::min(this->splats_, kReadAtOnce) * width;
    if (!this->machine_.has_room(read_.growth(size))) return;
    float* in_order = read_.reserve(this->machine_, size);
    for (int64_t from = 0; from < this->splats_; from += kReadAtOnce) {
      const int64_t splats = std::min(this->splats_ - from, kReadAtOnce);
      this->machine_.run(RowsToSplats{sums.data() + from * rows, rows, first, width, splats, in_order},
                         (splats + kGroup - 1) / kGroup);
      this->machine_.read(out + from * width, in_order, splats * width);
    }
  }

  Array<float> slots_, sums_by_splat_, by_band_, picture_, weights_, read_;
  Array<double> by_part_;
  // Sums over views, by group.
  ScoreKinds kinds_;
  Array<float> toward_, geometry_, color_;
  Array<uint64_t> seen_from_;
};

}  // namespace splatzip::cuda
