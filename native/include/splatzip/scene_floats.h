// What dequantizers write: the five arrays of a scene, N rows each, caller-owned.
#pragma once

namespace splatzip {

struct SceneFloats {
  float* positions;       // N x 3
  float* log_scales;      // N x 3
  float* rotations;       // N x 4, wxyz
  float* opacity_logits;  // N
  float* sh;              // N x (1 + B) x 3
};

}  // namespace splatzip
