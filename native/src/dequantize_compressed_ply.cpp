#include "splatzip/dequantize_compressed_ply.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "float_mode.h"
#include "parallel.h"
#include "splatzip/exact_math.h"

namespace splatzip {
namespace {

// Part of the format: float64 in the order written, one rounding to float32 at the end of each value.
constexpr double kShC0 = 0.28209479177387814;
constexpr double kSqrt2 = 1.4142135623730951;
constexpr size_t kBlock = 1 << 14;    // splats a task; no result depends on it
constexpr float kColorLimit = 1e37f;  // a bound divided by kShC0 stays a float32

double fraction(uint32_t word, int shift, int bits) {
  uint32_t top = (1u << bits) - 1u;
  return static_cast<double>((word >> shift) & top) / static_cast<double>(top);
}

double lerp(float low, float high, double t) {
  return static_cast<double>(low) * (1.0 - t) + static_cast<double>(high) * t;
}

void unpack_11_10_11(uint32_t word, const float* low, const float* high, float* out) {
  out[0] = static_cast<float>(lerp(low[0], high[0], fraction(word, 21, 11)));
  out[1] = static_cast<float>(lerp(low[1], high[1], fraction(word, 11, 10)));
  out[2] = static_cast<float>(lerp(low[2], high[2], fraction(word, 0, 11)));
}

void unpack_rotation(uint32_t word, float* out) {
  const double norm = 1.0 / (kSqrt2 * 0.5);
  double a = (fraction(word, 20, 10) - 0.5) * norm;
  double b = (fraction(word, 10, 10) - 0.5) * norm;
  double c = (fraction(word, 0, 10) - 0.5) * norm;
  double rest = 1.0 - (a * a + b * b + c * c);
  float kept[3] = {static_cast<float>(a), static_cast<float>(b), static_cast<float>(c)};
  size_t largest = word >> 30;
  for (size_t i = 0, k = 0; i < 4; ++i)
    out[i] = i == largest ? static_cast<float>(std::sqrt(rest > 0.0 ? rest : 0.0)) : kept[k++];
}

struct ByteTables {
  float opacity[256];
  float sh[256];
};

ByteTables byte_tables() {
  ByteTables tables;
  tables.opacity[0] = -std::numeric_limits<float>::infinity();
  tables.opacity[255] = std::numeric_limits<float>::infinity();
  for (int i = 1; i < 255; ++i) {
    double alpha = static_cast<double>(i) / 255.0;
    tables.opacity[i] = static_cast<float>(-exact_log(1.0 / alpha - 1.0));
  }
  for (int i = 0; i < 256; ++i) {
    double unit = i == 0 ? 0.0 : i == 255 ? 1.0 : (static_cast<double>(i) + 0.5) / 256.0;
    tables.sh[i] = static_cast<float>((unit - 0.5) * 8.0);
  }
  return tables;
}

bool bounds_are_finite(const float* chunk, size_t columns) {
  for (size_t k = 0; k < columns; ++k) {
    float limit = k < 12 ? std::numeric_limits<float>::max() : kColorLimit;
    if (!(std::fabs(chunk[k]) <= limit)) return false;
  }
  return true;
}

void rows(const CompressedPlyCodes& codes, const ByteTables& tables, size_t begin, size_t end,
          const CompressedPlyFloats& out) {
  const size_t b = codes.coefficients, columns = codes.chunk_columns;
  static constexpr float kUnit[6] = {0.0f, 0.0f, 0.0f, 1.0f, 1.0f, 1.0f};
  for (size_t i = begin; i < end; ++i) {
    const size_t number = codes.chunk_of ? codes.chunk_of[i] : i / kCompressedPlyChunk;
    const float* chunk = codes.chunks + number * columns;
    unpack_11_10_11(codes.position[i], chunk, chunk + 3, out.positions + 3 * i);
    unpack_11_10_11(codes.scale[i], chunk + 6, chunk + 9, out.log_scales + 3 * i);
    unpack_rotation(codes.rotation[i], out.rotations + 4 * i);
    uint32_t color = codes.color[i];
    out.opacity_logits[i] = tables.opacity[color & 255u];
    const float* color_low = columns == 18 ? chunk + 12 : kUnit;
    float* sh = out.sh + i * 3 * (1 + b);
    for (int channel = 0; channel < 3; ++channel) {
      double t = fraction(color, 24 - 8 * channel, 8);
      // Without bounds the colour is the fraction itself; lerp(0, 1, t) is exactly t.
      double value = lerp(color_low[channel], color_low[3 + channel], t);
      sh[channel] = static_cast<float>((value - 0.5) / kShC0);
      for (size_t k = 0; k < b; ++k)
        sh[3 * (1 + k) + channel] = tables.sh[codes.sh[(i * 3 + static_cast<size_t>(channel)) * b + k]];
    }
  }
}

}  // namespace

Status dequantize_compressed_ply(const CompressedPlyCodes& codes, int threads, const CompressedPlyFloats& out,
                                 size_t* where) {
  const ExactFloats exact;
  const size_t n = codes.splats, columns = codes.chunk_columns;
  const size_t least_chunks = codes.chunk_of ? 0 : (n + kCompressedPlyChunk - 1) / kCompressedPlyChunk;
  if ((columns != 12 && columns != 18) || codes.chunk_count < least_chunks) return Status::format;
  for (size_t i = 0; codes.chunk_of && i < n; ++i)
    if (codes.chunk_of[i] >= codes.chunk_count) return Status::format;
  for (size_t c = 0; c < codes.chunk_count; ++c) {
    if (!bounds_are_finite(codes.chunks + c * columns, columns)) {
      *where = c;
      return Status::corrupt;
    }
  }
  const ByteTables tables = byte_tables();
  parallel_for(static_cast<int64_t>((n + kBlock - 1) / kBlock), threads, [&](int64_t block) {
    const size_t begin = static_cast<size_t>(block) * kBlock;
    rows(codes, tables, begin, std::min(begin + kBlock, n), out);
  });
  return Status::ok;
}

}  // namespace splatzip
