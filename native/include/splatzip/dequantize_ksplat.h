// .ksplat 0.1 (mkkellogg): codes of its three compression levels to floats. Normative (FORMAT.md, "Source format
// ksplat").
#pragma once
#include <cstddef>
#include <cstdint>

#include "splatzip/status.h"

namespace splatzip {

// Codes of N splats. Level 0 holds float32 bits in the *32 arrays, levels 1 and 2 the *16 arrays; the others are null.
struct KsplatCodes {
  size_t splats;
  int level;
  const uint32_t* positions32;  // N x 3
  const uint32_t* scales32;     // N x 3, linear
  const uint32_t* rotations32;  // N x 4, wxyz
  const uint32_t* sh32;         // N x 3B
  const uint16_t* positions16;  // N x 3, grid of the bucket's block
  const uint16_t* scales16;     // N x 3, binary16, linear
  const uint16_t* rotations16;  // N x 4, binary16, wxyz
  const uint16_t* sh16;         // N x 3B, binary16: level 1
  const uint8_t* sh8;           // N x 3B: level 2
  const uint8_t* colors;        // N x 4: RGB, alpha
  const uint32_t* buckets;      // N, rows of the bucket tables
};

// SH columns of a splat are in file order: degree 1 red, green, blue (3 each), then degree 2 (5 each).
struct KsplatTables {
  size_t buckets;
  const float* bucket_centers;      // buckets x 3
  const uint32_t* bucket_sections;  // buckets
  size_t sections;
  const float* block_sizes;  // sections: edge of a bucket's block
  const uint32_t* ranges;    // sections: the code of the block's centre
  const uint32_t* degrees;   // sections: SH degree; coefficients above it are 0
  size_t coefficients;       // B: 0, 3 or 8
  double sh_min, sh_max;     // what bytes 0 and 255 of level 2 stand for
};

struct KsplatFloats {
  float* positions;       // N x 3
  float* log_scales;      // N x 3
  float* rotations;       // N x 4, wxyz
  float* opacity_logits;  // N
  float* sh;              // N x (1 + B) x 3
};

// Returns ok, format (a section's range is 0 or its degree above 2 or beyond B; *where is the section) or corrupt
// (*where is the first splat, or with *in_tables the first bucket, that names what does not exist). Nothing is
// written unless the codes are valid.
Status dequantize_ksplat(const KsplatCodes& codes, const KsplatTables& tables, int threads, const KsplatFloats& out,
                         size_t* where, bool* in_tables);

}  // namespace splatzip
