// Score passes: what each splat of a scene contributes to pictures of it, summed over views.
//
//   begin -> add a view, and another -> read
//   project, sort, list -> tile by tile, blended first where removal needs its colour: sums by entry -> sums by splat
//   -> by attribute, through the projection
//
// The sums of a view are float32 in a written order; the same scores from any number of threads.
#pragma once
#include <cstdint>

#include "buffer.h"
#include "raster.h"
#include "raster_score_kernels.h"
#include "splatzip/score_arrays.h"

namespace splatzip {

class Scores {
 public:
  // For scenes of this size; all sums are zero.
  void begin(int64_t splats, int sh_degree, const ScoreKinds& kinds, int threads);

  // Draws a view and adds its scores, times `view_weight`. `floor` is added to the squared contrast in the curvature of
  // geometry. False as in Rasterizer::render.
  bool add(Rasterizer* rasterizer, const View& view, float view_weight, float floor, int threads);

  void read(const ScoreArrays& out, int threads) const;

  int64_t splats() const { return splats_; }
  int sh_degree() const { return sh_degree_; }
  const ScoreKinds& kinds() const { return kinds_; }
  int color_pairs() const;  // K (K + 1) / 2

 private:
  void sum_entries(const Frame& frame, int threads);
  void add_groups(const Rasterizer& rasterizer, float view_weight, int threads);
  ScorePass pass() const;

  int64_t splats_ = 0;
  int sh_degree_ = 0;
  ScoreKinds kinds_;
  // By group of 16 splats, (rows, kGroup) each.
  Buffer<float> basics_, toward_, geometry_, color_;
  Buffer<uint64_t> seen_from_;
  // Kept from view to view.
  Buffer<float> slots_;  // (entries, slot)
  Buffer<float> sums_;   // (splats of the frame, slot)
};

}  // namespace splatzip
