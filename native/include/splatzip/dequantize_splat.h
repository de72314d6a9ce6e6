// .splat (antimatter15): records of 32 bytes to floats. Normative (FORMAT.md, "Source format splat").
#pragma once
#include <cstddef>
#include <cstdint>

#include "splatzip/linear_splats.h"
#include "splatzip/scene_arrays.h"

namespace splatzip {

struct SplatCodes {
  size_t splats;
  const uint32_t* positions;  // N x 3, bits of float32
  const uint32_t* scales;     // N x 3, bits of float32, linear
  const uint8_t* colors;      // N x 4: RGB, alpha
  const uint8_t* rotations;   // N x 4: wxyz, (b - 128) / 128
};

// Every code stands for something, so this cannot fail; what a Scene refuses (NaN, Inf, a zero quaternion) comes out
// as it is.
void dequantize_splat(const SplatCodes& codes, int threads, const SceneArrays<float>& out);

// --- A splat of it, wherever it runs ---

constexpr double kSmallestScale = 0x1p-126;  // Part of the format: the smallest normal float32

SPLZ_HD bool is_legal(const SplatCodes&, size_t) { return true; }

SPLZ_HD void dequantize_row(const SplatCodes& codes, const LinearBytes& bytes, size_t row, size_t to,
                            const SceneArrays<float>& out) {
  const uint8_t* color = codes.colors + 4 * row;
  for (size_t k = 0; k < 3; ++k) {
    out.positions[3 * to + k] = float_of_bits(codes.positions[3 * row + k]);
    out.log_scales[3 * to + k] = log_of_scale(float_of_bits(codes.scales[3 * row + k]), kSmallestScale);
    out.sh[3 * to + k] = bytes.dc[color[k]];
  }
  for (size_t k = 0; k < 4; ++k)
    out.rotations[4 * to + k] = static_cast<float>(static_cast<int>(codes.rotations[4 * row + k]) - 128) * 0x1p-7f;
  out.opacity_logits[to] = bytes.logit[color[3]];
}

}  // namespace splatzip
