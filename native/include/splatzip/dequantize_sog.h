// PlayCanvas SOG, versions 1 and 2: integer codes to floats. Normative (FORMAT.md, "Source format sog").
#pragma once
#include <cstddef>
#include <cstdint>

#include "splatzip/status.h"

namespace splatzip {

// Codes of N splats as the images hold them; labels and palette are null without SH above degree 0.
struct SogCodes {
  size_t splats;
  const uint16_t* positions;  // N x 3
  const uint8_t* rotations;   // N x 4: smallest three, then 252 + the component that is left out
  const uint8_t* scales;      // N x 3
  const uint8_t* colors;      // N x 4: SH degree 0 RGB, then alpha
  const uint16_t* labels;     // N
  const uint8_t* palette;     // rows x coefficients x 3 (RGB last)
  size_t palette_rows;
  size_t coefficients;  // B: 0, 3, 8 or 15
};

// Numbers of meta.json. Version 1 has ranges (mins, then maxs); version 2 has codebooks of 256.
struct SogTables {
  const double* means;   // 2 x 3 in both versions
  const double* scales;  // 2 x 3 | 256
  const double* sh0;     // 2 x 4 | 256
  const double* shN;     // 2 | 256; null without SH above degree 0
};

struct SogFloats {
  float* positions;       // N x 3
  float* log_scales;      // N x 3
  float* rotations;       // N x 4, wxyz
  float* opacity_logits;  // N
  float* sh;              // N x (1 + B) x 3
};

// Returns ok, unsupported_version, format (a table value has no finite float32; *where is 0 means, 1 scales, 2 sh0,
// 3 shN) or corrupt (*where is the first splat whose label or rotation mode does not exist). Nothing is written
// unless the codes are valid. threads: 0 for all cores.
Status dequantize_sog(int version, const SogCodes& codes, const SogTables& tables, int threads, const SogFloats& out,
                      size_t* where);

}  // namespace splatzip
