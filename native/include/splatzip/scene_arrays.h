// The five arrays of a scene, N rows each, caller-owned.
#pragma once

namespace splatzip {

template <class T>
struct SceneArrays {
  T* positions;       // N x 3
  T* log_scales;      // N x 3
  T* rotations;       // N x 4, wxyz
  T* opacity_logits;  // N
  T* sh;              // N x (1 + B) x 3
};

}  // namespace splatzip
