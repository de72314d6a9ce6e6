// .splat (antimatter15): records of 32 bytes to floats. Normative (FORMAT.md, "Source format splat").
#pragma once
#include <cstddef>
#include <cstdint>

namespace splatzip {

struct SplatCodes {
  size_t splats;
  const uint32_t* positions;  // N x 3, bits of float32
  const uint32_t* scales;     // N x 3, bits of float32, linear
  const uint8_t* colors;      // N x 4: RGB, alpha
  const uint8_t* rotations;   // N x 4: wxyz, (b - 128) / 128
};

struct SplatFloats {
  float* positions;       // N x 3
  float* log_scales;      // N x 3
  float* rotations;       // N x 4, wxyz
  float* opacity_logits;  // N
  float* sh;              // N x 1 x 3
};

// Every code stands for something, so this cannot fail; what a Scene refuses (NaN, Inf, a zero quaternion) comes out
// as it is.
void dequantize_splat(const SplatCodes& codes, int threads, const SplatFloats& out);

}  // namespace splatzip
