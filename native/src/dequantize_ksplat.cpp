#include "splatzip/dequantize_ksplat.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "float_mode.h"
#include "half.h"
#include "linear_splats.h"
#include "parallel.h"

namespace splatzip {
namespace {

constexpr size_t kBlock = 1 << 14;              // splats a task; no result depends on it
constexpr double kSmallestScale = 0x1p-126;     // Part of the format: the smallest normal float32
constexpr double kSmallestHalfScale = 0x1p-25;  // Part of the format: a binary16 of 0 was anything below
constexpr int kDegreeOneColumns = 9, kColumns = 24;

float float_of_bits(uint32_t bits) {
  float value;
  memcpy(&value, &bits, 4);
  return value;
}

size_t coefficients_of(uint32_t degree) { return (degree + 1) * (degree + 1) - 1; }

// Where SH column `column` of the file goes among (1 + B) x 3: bands are whole, channels apart inside a band.
size_t sh_slot(size_t column) {
  if (column < kDegreeOneColumns) return 3 * (1 + column % 3) + column / 3;
  column -= kDegreeOneColumns;
  return 3 * (4 + column % 5) + column / 5;
}

class Dequantizer {
 public:
  Dequantizer(const KsplatCodes& codes, const KsplatTables& tables, const KsplatFloats& out)
      : c_(codes), t_(tables), o_(out), factors_(tables.sections) {
    for (size_t s = 0; s < t_.sections; ++s) factors_[s] = t_.block_sizes[s] / 2.0 / t_.ranges[s];
    for (int i = 0; i < 256; ++i) sh_[i] = static_cast<float>(i / 255.0 * (t_.sh_max - t_.sh_min) + t_.sh_min);
    for (size_t i = 0; i < kColumns; ++i) slots_[i] = sh_slot(i);
  }

  void rows(size_t begin, size_t end) const {
    if (c_.level == 0) {
      wide_geometry(begin, end);
    } else {
      narrow_geometry(begin, end);
    }
    for (size_t i = begin; i < end; ++i) {
      float* sh = o_.sh + i * 3 * (1 + t_.coefficients);
      for (size_t k = 0; k < 3; ++k) sh[k] = bytes_.dc[c_.colors[4 * i + k]];
      o_.opacity_logits[i] = bytes_.logit[c_.colors[4 * i + 3]];
      const size_t columns = 3 * t_.coefficients;
      const size_t present = 3 * coefficients_of(t_.degrees[t_.bucket_sections[c_.buckets[i]]]);
      for (size_t k = 0; k < columns; ++k) sh[slots_[k]] = k < present ? sh_value(i * columns + k) : 0.0f;
    }
  }

 private:
  void wide_geometry(size_t begin, size_t end) const {
    memcpy(o_.positions + 3 * begin, c_.positions32 + 3 * begin, 12 * (end - begin));
    memcpy(o_.rotations + 4 * begin, c_.rotations32 + 4 * begin, 16 * (end - begin));
    for (size_t i = 3 * begin; i < 3 * end; ++i) {
      o_.log_scales[i] = log_of_scale(float_of_bits(c_.scales32[i]), kSmallestScale);
    }
  }

  void narrow_geometry(size_t begin, size_t end) const {
    for (size_t i = begin; i < end; ++i) {
      const size_t bucket = c_.buckets[i], section = t_.bucket_sections[bucket];
      const double range = t_.ranges[section];
      for (size_t k = 0; k < 3; ++k) {
        const double centre = t_.bucket_centers[3 * bucket + k];
        o_.positions[3 * i + k] = static_cast<float>((c_.positions16[3 * i + k] - range) * factors_[section] + centre);
      }
    }
    for (size_t i = 4 * begin; i < 4 * end; ++i) o_.rotations[i] = half_to_float(c_.rotations16[i]);
    for (size_t i = 3 * begin; i < 3 * end; ++i) {
      o_.log_scales[i] = log_of_scale(half_to_float(c_.scales16[i]), kSmallestHalfScale);
    }
  }

  float sh_value(size_t i) const {
    if (c_.level == 0) return float_of_bits(c_.sh32[i]);
    return c_.level == 1 ? half_to_float(c_.sh16[i]) : sh_[c_.sh8[i]];
  }

  const KsplatCodes& c_;
  const KsplatTables& t_;
  const KsplatFloats& o_;
  ByteTables bytes_;
  std::vector<double> factors_;
  float sh_[256];
  size_t slots_[kColumns];
};

}  // namespace

Status dequantize_ksplat(const KsplatCodes& codes, const KsplatTables& tables, int threads, const KsplatFloats& out,
                         size_t* where, bool* in_tables) {
  const ExactFloats exact;
  *in_tables = true;
  for (size_t s = 0; s < tables.sections; ++s) {
    *where = s;
    if (tables.ranges[s] == 0 || tables.degrees[s] > 2) return Status::format;
    if (coefficients_of(tables.degrees[s]) > tables.coefficients) return Status::format;
  }
  for (size_t b = 0; b < tables.buckets; ++b) {
    *where = b;
    if (tables.bucket_sections[b] >= tables.sections) return Status::corrupt;
  }
  *in_tables = false;
  for (size_t i = 0; i < codes.splats; ++i) {
    *where = i;
    if (codes.buckets[i] >= tables.buckets) return Status::corrupt;
  }
  const Dequantizer dequantizer(codes, tables, out);
  parallel_for(static_cast<int64_t>((codes.splats + kBlock - 1) / kBlock), threads, [&](int64_t block) {
    const size_t begin = static_cast<size_t>(block) * kBlock;
    dequantizer.rows(begin, std::min(begin + kBlock, codes.splats));
  });
  return Status::ok;
}

}  // namespace splatzip
