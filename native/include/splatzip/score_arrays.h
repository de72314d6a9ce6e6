// Which scores are summed over views, and where they are read to.
#pragma once
#include <cstdint>

namespace splatzip {

// Weights are always summed. Transmittance cannot be summed together with removal or the curvature of geometry.
struct ScoreKinds {
  bool removal = false, geometry_curvature = false, color_curvature = false, directions = false, transmittance = false;
};

// (N, ...) arrays of the caller; null where not asked for.
struct ScoreArrays {
  float *weight, *squares, *removal, *transmittance, *pixels, *most;
  float *toward, *geometry_curvature, *color_curvature;  // (N, 3), (N, 55), (N, K (K + 1) / 2)
  uint64_t* seen_from;
};

}  // namespace splatzip
