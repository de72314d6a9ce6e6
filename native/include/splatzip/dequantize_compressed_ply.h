// PlayCanvas compressed.ply: packed words to floats. Normative (FORMAT.md, "Source format compressed_ply").
#pragma once
#include <cstddef>
#include <cstdint>

#include "splatzip/status.h"

namespace splatzip {

// Splats a chunk; the last chunk may hold fewer.
constexpr size_t kCompressedPlyChunk = 256;

struct CompressedPlyCodes {
  size_t splats;
  const uint32_t* position;  // N: 11, 10, 11 bits
  const uint32_t* rotation;  // N: 2, 10, 10, 10 bits
  const uint32_t* scale;     // N: 11, 10, 11 bits
  const uint32_t* color;     // N: 8, 8, 8, 8 bits, alpha lowest
  const uint8_t* sh;         // N x 3 x B, channel first; null if B is 0
  size_t coefficients;       // B: 0, 3, 8 or 15
  const float* chunks;       // C x 12 or 18: min xyz, max xyz, min and max of the log scales, of the colours
  size_t chunk_count;        // C: without chunk_of at least N / 256, rounded up
  size_t chunk_columns;      // 12 (colours span 0..1) or 18
  const uint32_t* chunk_of;  // N: the chunk of each splat, below C; null: splat i belongs to chunk i / 256
};

struct CompressedPlyFloats {
  float* positions;       // N x 3
  float* log_scales;      // N x 3
  float* rotations;       // N x 4, wxyz
  float* opacity_logits;  // N
  float* sh;              // N x (1 + B) x 3
};

// Returns ok, format (the shapes above do not hold) or corrupt (*where is the first chunk with a bound that is not
// finite). Nothing is written unless the codes are valid. threads: 0 for all cores.
Status dequantize_compressed_ply(const CompressedPlyCodes& codes, int threads, const CompressedPlyFloats& out,
                                 size_t* where);

}  // namespace splatzip
