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

namespace splatzip {

// Transmittance is not to be had with removal or the curvature of geometry.
struct ScoreWishes {
  bool removal = false, geometry_curvature = false, color_curvature = false, directions = false, transmittance = false;
};

// (N, ...) arrays of the caller. Null where not wished.
struct ScoreArrays {
  float *weight, *squares, *removal, *transmittance, *pixels, *most;
  float *toward, *geometry_curvature, *color_curvature;  // (N, 3), (N, 55), (N, K (K + 1) / 2)
  uint64_t* seen_from;
};

class Scores {
 public:
  // For scenes of this size; all sums are zero.
  void begin(int64_t splats, int sh_degree, const ScoreWishes& wishes, int threads);

  // Draws a view and adds its scores, times `view_weight`. `floor` is added to the squared contrast in the curvature of
  // geometry. False as in Rasterizer::render.
  bool add(Rasterizer* rasterizer, const View& view, float view_weight, float floor, int threads);

  void read(const ScoreArrays& out, int threads) const;

  int64_t splats() const { return splats_; }
  int sh_degree() const { return sh_degree_; }
  const ScoreWishes& wishes() const { return wishes_; }
  int color_pairs() const;  // K (K + 1) / 2

 private:
  void sum_entries(const Frame& frame, int threads);
  void add_groups(const Rasterizer& rasterizer, float view_weight, int threads);
  ScorePass pass() const;

  int64_t splats_ = 0;
  int sh_degree_ = 0;
  ScoreWishes wishes_;
  // By group of 16 splats, (rows, kGroup) each.
  Buffer<float> basics_, toward_, geometry_, color_;
  Buffer<uint64_t> seen_from_;
  // Kept from view to view.
  Buffer<float> slots_;  // (entries, slot)
  Buffer<float> sums_;   // (splats of the frame, slot)
};

}  // namespace splatzip
