// Whether arrays on the device are a scene (splatzip.Scene has the same rules): every number finite, but for opacities,
// which may be infinite; no quaternion zero. A lane a splat.
#pragma once
#include <cstring>

#include "raster.h"
#include "warp.h"

namespace splatzip::cuda {

SPLZ_ON_WARP bool all_bits_set(float value, uint32_t mask) {
  uint32_t bits;
  memcpy(&bits, &value, 4);
  return (bits & mask) == mask;
}

struct CheckScene {
  struct Shared {};
  SceneArrays<const float> arrays;
  int64_t splats;
  int coefficients;
  uint32_t* wrong;  // 0 before

  SPLZ_WARP bool is_splat(int64_t row) const {
    constexpr uint32_t kExponent = 0x7F800000u;
    bool is_legal = true, turns = false;
    for (int k = 0; k < 3; ++k)
      is_legal = is_legal && !all_bits_set(arrays.positions[3 * row + k], kExponent) &&
                 !all_bits_set(arrays.log_scales[3 * row + k], kExponent);
    for (int k = 0; k < 4; ++k) {
      const float q = arrays.rotations[4 * row + k];
      is_legal = is_legal && !all_bits_set(q, kExponent);
      turns = turns || q != 0.0f;
    }
    for (int k = 0; k < 3 * coefficients; ++k)
      is_legal = is_legal && !all_bits_set(arrays.sh[3 * coefficients * row + k], kExponent);
    const float logit = arrays.opacity_logits[row];
    return is_legal && turns && logit == logit;
  }

  template <class Warp>
  SPLZ_WARP void run(const Warp& warp, int64_t group, Shared*) const {
    warp.each([&](int lane) {
      const int64_t row = group * kLanes + lane;
      if (row < splats && !is_splat(row)) *wrong = 1;
    });
  }
};

}  // namespace splatzip::cuda
