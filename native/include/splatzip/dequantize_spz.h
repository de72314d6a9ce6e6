// The normative dequantizer of Niantic SPZ: codes as in the file -> floats of a scene (right-down-front).
//
// Part of the format (FORMAT.md, "Source format spz"). float32 + - * / sqrt in the written order; the logarithm of the
// opacity is evaluated once a code through exact_log. The results agree with the reference decoder to float32 rounding.
#pragma once
#include <cstddef>
#include <cstdint>

#include "splatzip/status.h"

namespace splatzip {

// Caller-owned arrays of N rows. Exactly one of (positions, half_positions) and of (rotations, first_three) is set.
struct SpzCodes {
  size_t splats;
  const uint32_t* positions;       // (N, 3) 24-bit two's complement + 2^23, each < 2^24
  const uint16_t* half_positions;  // (N, 3) IEEE binary16 (version 1)
  const uint8_t* alphas;           // (N)
  const uint8_t* colors;           // (N, 3)
  const uint8_t* scales;           // (N, 3)
  const uint32_t* rotations;       // (N) smallest three (versions 3 and 4)
  const uint8_t* first_three;      // (N, 3) x y z (versions 1 and 2)
  const uint8_t* sh;               // (N, B, 3); null where B is 0
  int fractional_bits;             // 0..30
  int sh_degree;                   // 0..4
  int axes;                        // 1..16, the numbers of the coordinate-system extension; 4 is the default, RUB
};

// Caller-owned arrays of N rows: (N, 3), (N, 3), (N, 4) wxyz, (N), (N, 1 + B, 3).
struct SpzFloats {
  float* positions;
  float* log_scales;
  float* rotations;
  float* opacity_logits;
  float* sh;
};

// Returns corrupt if a position code is 2^24 or more (nothing of `out` is then meaningful), format if a header
// field is out of its range.
Status dequantize_spz(const SpzCodes& codes, int threads, SpzFloats out);

}  // namespace splatzip
