// .ksplat 0.1 (mkkellogg): codes of its three compression levels to floats. Normative (FORMAT.md, "Source format
// ksplat").
#pragma once
#include <cstddef>
#include <cstdint>

#include "splatzip/half.h"
#include "splatzip/linear_splats.h"
#include "splatzip/scene_arrays.h"
#include "splatzip/status.h"

namespace splatzip {

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
  KsplatTables tables;
};

// Returns ok, format (a section's range is 0 or its degree above 2 or beyond B; *where is the section) or corrupt
// (*where is the first splat, or with *in_tables the first bucket, that names what does not exist). Nothing is
// written unless the codes are valid.
Status dequantize_ksplat(const KsplatCodes& codes, int threads, const SceneArrays<float>& out, size_t* where,
                         bool* in_tables);

// Of that, what can be wrong with tables.
Status check_tables(const KsplatTables& tables, size_t* where);

// --- A splat of it, wherever it runs ---

constexpr double kSmallestWideScale = 0x1p-126;  // Part of the format: the smallest normal float32
constexpr double kSmallestHalfScale = 0x1p-25;   // Part of the format: a binary16 of 0 was anything below
constexpr int kKsplatColumns = 24;

// What bytes stand for, and where SH column k of the file goes among (1 + B) x 3.
struct KsplatBytes {
  LinearBytes linear;
  float sh[256];
  uint8_t slots[kKsplatColumns];
};
KsplatBytes ksplat_bytes(const KsplatTables& tables);

SPLZ_HD bool is_legal(const KsplatCodes& codes, size_t row) { return codes.buckets[row] < codes.tables.buckets; }

SPLZ_HD void wide_geometry(const KsplatCodes& codes, size_t row, size_t to, const SceneArrays<float>& out) {
  for (size_t k = 0; k < 3; ++k) {
    out.positions[3 * to + k] = float_of_bits(codes.positions32[3 * row + k]);
    out.log_scales[3 * to + k] = log_of_scale(float_of_bits(codes.scales32[3 * row + k]), kSmallestWideScale);
  }
  for (size_t k = 0; k < 4; ++k) out.rotations[4 * to + k] = float_of_bits(codes.rotations32[4 * row + k]);
}

SPLZ_HD void narrow_geometry(const KsplatCodes& codes, size_t row, size_t to, const SceneArrays<float>& out) {
  const size_t bucket = codes.buckets[row], section = codes.tables.bucket_sections[bucket];
  const double range = codes.tables.ranges[section], step = codes.tables.block_sizes[section] / 2.0 / range;
  for (size_t k = 0; k < 3; ++k) {
    const double centre = codes.tables.bucket_centers[3 * bucket + k];
    out.positions[3 * to + k] = static_cast<float>((codes.positions16[3 * row + k] - range) * step + centre);
    out.log_scales[3 * to + k] = log_of_scale(half_to_float(codes.scales16[3 * row + k]), kSmallestHalfScale);
  }
  for (size_t k = 0; k < 4; ++k) out.rotations[4 * to + k] = half_to_float(codes.rotations16[4 * row + k]);
}

SPLZ_HD float sh_value(const KsplatCodes& codes, const KsplatBytes& bytes, size_t at) {
  if (codes.level == 0) return float_of_bits(codes.sh32[at]);
  return codes.level == 1 ? half_to_float(codes.sh16[at]) : bytes.sh[codes.sh8[at]];
}

SPLZ_HD size_t coefficients_of(uint32_t degree) { return (degree + 1) * (degree + 1) - 1; }

SPLZ_HD void dequantize_row(const KsplatCodes& codes, const KsplatBytes& bytes, size_t row, size_t to,
                            const SceneArrays<float>& out) {
  if (codes.level == 0) {
    wide_geometry(codes, row, to, out);
  } else {
    narrow_geometry(codes, row, to, out);
  }
  const uint8_t* color = codes.colors + 4 * row;
  const size_t columns = 3 * codes.tables.coefficients;
  float* sh = out.sh + to * (3 + columns);
  for (size_t k = 0; k < 3; ++k) sh[k] = bytes.linear.dc[color[k]];
  out.opacity_logits[to] = bytes.linear.logit[color[3]];
  if (!columns) return;
  const size_t present = 3 * coefficients_of(codes.tables.degrees[codes.tables.bucket_sections[codes.buckets[row]]]);
  for (size_t k = 0; k < columns; ++k)
    sh[bytes.slots[k]] = k < present ? sh_value(codes, bytes, row * columns + k) : 0.0f;
}

}  // namespace splatzip
