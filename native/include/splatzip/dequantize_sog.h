// PlayCanvas SOG, versions 1 and 2: integer codes to floats. Normative (FORMAT.md, "Source format sog"): float64 in the
// order written, one rounding to float32 at the end of each value.
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "splatzip/exact_math.h"
#include "splatzip/scene_arrays.h"
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

// Returns ok, unsupported_version, format (a table value has no finite float32; *where is 0 means, 1 scales, 2 sh0,
// 3 shN) or corrupt (*where is the first splat whose label or rotation mode does not exist). Nothing is written
// unless the codes are valid. threads: 0 for all cores.
Status dequantize_sog(int version, const SogCodes& codes, const SogTables& tables, int threads,
                      const SceneArrays<float>& out, size_t* where);

// --- A splat of it, wherever it runs ---

// What bytes stand for; of positions their range, for a table of all codes is larger than most scenes.
struct SogBytes {
  double low[3], span[3];
  double rotation[256];
  float scales[3][256];
  float colors[3][256];
  float logit[256];
  float rest[256];
};
// Returns ok, unsupported_version or format, as dequantize_sog.
Status read_tables(int version, const SogTables& tables, bool has_rest, SogBytes* bytes, size_t* where);

SPLZ_HD bool is_legal(const SogCodes& codes, size_t row) {
  return codes.rotations[4 * row + 3] >= 252 && (!codes.coefficients || codes.labels[row] < codes.palette_rows);
}

// The writer stored sign(x) ln(|x| + 1).
SPLZ_HD float sog_position(const SogBytes& bytes, size_t axis, uint32_t code) {
  const double folded = bytes.low[axis] + bytes.span[axis] * (static_cast<double>(code) / 65535.0);
  const double size = exact_exp(fabs(folded)) - 1.0;
  return static_cast<float>(folded < 0.0 ? -size : size);
}

SPLZ_HD void sog_rotation(const uint8_t* code, const double* table, float* out) {
  const double a = table[code[0]], b = table[code[1]], c = table[code[2]];
  const double rest = 1.0 - (a * a + b * b + c * c);
  const float kept[3] = {static_cast<float>(a), static_cast<float>(b), static_cast<float>(c)};
  const uint32_t largest = code[3] - 252u;
  for (uint32_t i = 0, k = 0; i < 4; ++i)
    out[i] = i == largest ? static_cast<float>(sqrt(rest > 0.0 ? rest : 0.0)) : kept[k++];
}

SPLZ_HD void all_but_position(const SogCodes& codes, const SogBytes& bytes, size_t row, size_t to,
                              const SceneArrays<float>& out) {
  const size_t values = 3 * codes.coefficients;
  sog_rotation(codes.rotations + 4 * row, bytes.rotation, out.rotations + 4 * to);
  float* sh = out.sh + to * (3 + values);
  for (size_t axis = 0; axis < 3; ++axis) {
    out.log_scales[3 * to + axis] = bytes.scales[axis][codes.scales[3 * row + axis]];
    sh[axis] = bytes.colors[axis][codes.colors[4 * row + axis]];
  }
  out.opacity_logits[to] = bytes.logit[codes.colors[4 * row + 3]];
  if (!values) return;
  const uint8_t* entry = codes.palette + codes.labels[row] * values;
  for (size_t k = 0; k < values; ++k) sh[3 + k] = bytes.rest[entry[k]];
}

SPLZ_HD void dequantize_row(const SogCodes& codes, const SogBytes& bytes, size_t row, size_t to,
                            const SceneArrays<float>& out) {
  for (size_t axis = 0; axis < 3; ++axis)
    out.positions[3 * to + axis] = sog_position(bytes, axis, codes.positions[3 * row + axis]);
  all_but_position(codes, bytes, row, to, out);
}

}  // namespace splatzip
