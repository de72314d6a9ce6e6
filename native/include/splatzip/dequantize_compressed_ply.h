// PlayCanvas compressed.ply: packed words to floats. Normative (FORMAT.md, "Source format compressed_ply"): float64 in
// the order written, one rounding to float32 at the end of each value.
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "splatzip/linear_splats.h"
#include "splatzip/scene_arrays.h"
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

// Returns ok, format (the shapes above do not hold) or corrupt (*where is the first chunk with a bound that is not
// finite). Nothing is written unless the codes are valid. threads: 0 for all cores.
Status dequantize_compressed_ply(const CompressedPlyCodes& codes, int threads, const SceneArrays<float>& out,
                                 size_t* where);

// --- A splat of it, wherever it runs ---

// What bytes stand for.
struct CompressedPlyBytes {
  float logit[256];
  float sh[256];
};
CompressedPlyBytes compressed_ply_bytes();

constexpr float kColorLimit = 1e37f;  // a bound divided by kShC0 stays a float32

SPLZ_HD bool bounds_are_finite(const CompressedPlyCodes& codes, size_t chunk) {
  const float* bounds = codes.chunks + chunk * codes.chunk_columns;
  for (size_t k = 0; k < codes.chunk_columns; ++k)
    if (!(fabsf(bounds[k]) <= (k < 12 ? kLargestFloat : kColorLimit))) return false;
  return true;
}

SPLZ_HD size_t chunk_of(const CompressedPlyCodes& codes, size_t row) {
  return codes.chunk_of ? codes.chunk_of[row] : row / kCompressedPlyChunk;
}

SPLZ_HD bool is_legal(const CompressedPlyCodes& codes, size_t row) { return chunk_of(codes, row) < codes.chunk_count; }

SPLZ_HD double fraction(uint32_t word, int shift, int bits) {
  const uint32_t top = (1u << bits) - 1u;
  return static_cast<double>((word >> shift) & top) / static_cast<double>(top);
}

SPLZ_HD double between(float low, float high, double t) {
  return static_cast<double>(low) * (1.0 - t) + static_cast<double>(high) * t;
}

SPLZ_HD void unpack_11_10_11(uint32_t word, const float* low, const float* high, float* out) {
  out[0] = static_cast<float>(between(low[0], high[0], fraction(word, 21, 11)));
  out[1] = static_cast<float>(between(low[1], high[1], fraction(word, 11, 10)));
  out[2] = static_cast<float>(between(low[2], high[2], fraction(word, 0, 11)));
}

SPLZ_HD void unpack_rotation(uint32_t word, float* out) {
  const double norm = 1.0 / (1.4142135623730951 * 0.5);
  const double a = (fraction(word, 20, 10) - 0.5) * norm;
  const double b = (fraction(word, 10, 10) - 0.5) * norm;
  const double c = (fraction(word, 0, 10) - 0.5) * norm;
  const double rest = 1.0 - (a * a + b * b + c * c);
  const float kept[3] = {static_cast<float>(a), static_cast<float>(b), static_cast<float>(c)};
  const uint32_t largest = word >> 30;
  for (uint32_t i = 0, k = 0; i < 4; ++i)
    out[i] = i == largest ? static_cast<float>(sqrt(rest > 0.0 ? rest : 0.0)) : kept[k++];
}

SPLZ_HD void dequantize_row(const CompressedPlyCodes& codes, const CompressedPlyBytes& bytes, size_t row, size_t to,
                            const SceneArrays<float>& out) {
  const size_t b = codes.coefficients;
  const float* chunk = codes.chunks + chunk_of(codes, row) * codes.chunk_columns;
  unpack_11_10_11(codes.position[row], chunk, chunk + 3, out.positions + 3 * to);
  unpack_11_10_11(codes.scale[row], chunk + 6, chunk + 9, out.log_scales + 3 * to);
  unpack_rotation(codes.rotation[row], out.rotations + 4 * to);
  const uint32_t color = codes.color[row];
  out.opacity_logits[to] = bytes.logit[color & 255u];
  float* sh = out.sh + to * 3 * (1 + b);
  for (size_t channel = 0; channel < 3; ++channel) {
    // Without bounds the colour is the fraction itself: between(0, 1, t) is exactly t.
    const bool has_bounds = codes.chunk_columns == 18;
    const float low = has_bounds ? chunk[12 + channel] : 0.0f, high = has_bounds ? chunk[15 + channel] : 1.0f;
    const double value = between(low, high, fraction(color, 24 - 8 * static_cast<int>(channel), 8));
    sh[channel] = static_cast<float>((value - 0.5) / kShC0);
    for (size_t k = 0; k < b; ++k) sh[3 * (1 + k) + channel] = bytes.sh[codes.sh[(row * 3 + channel) * b + k]];
  }
}

}  // namespace splatzip
