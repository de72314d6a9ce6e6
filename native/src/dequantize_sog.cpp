#include "splatzip/dequantize_sog.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "float_mode.h"
#include "parallel.h"
#include "splatzip/exact_math.h"

namespace splatzip {
namespace {

// Part of the format: float64 in the order written, one rounding to float32 at the end of each value.
constexpr double kSqrt2 = 1.4142135623730951;
constexpr double kMeansLimit = 87.0;  // e^88 is still a float32
constexpr size_t kPositionCodes = 65536;
constexpr size_t kByteCodes = 256;
constexpr size_t kBlock = 1 << 14;  // splats a task; no result depends on it

struct ByteTables {
  float scales[3][kByteCodes];
  float colors[3][kByteCodes];
  float opacity[kByteCodes];
  float rest[kByteCodes];
  double rotation[kByteCodes];
};

bool fits_float(double value) { return std::fabs(value) <= std::numeric_limits<float>::max(); }  // false for NaN

// A codebook's first entry may be null in meta.json (NaN here): the engine extrapolates it.
bool read_codebook(const double* codebook, float* table) {
  for (size_t i = 0; i < kByteCodes; ++i) {
    double value = codebook[i];
    if (i == 0 && std::isnan(value)) value = codebook[1] + (codebook[1] - codebook[255]) / 255.0;
    if (!fits_float(value)) return false;
    table[i] = static_cast<float>(value);
  }
  return true;
}

bool read_range(double low, double high, float* table) {
  // The span may overflow although both ends are finite.
  if (!fits_float(low) || !fits_float(high)) return false;
  for (size_t i = 0; i < kByteCodes; ++i) {
    double value = low + (high - low) * (static_cast<double>(i) / 255.0);
    if (!fits_float(value)) return false;
    table[i] = static_cast<float>(value);
  }
  return true;
}

void alpha_logits(float* table) {
  table[0] = -std::numeric_limits<float>::infinity();
  table[255] = std::numeric_limits<float>::infinity();
  for (size_t i = 1; i < 255; ++i) {
    double alpha = static_cast<double>(i) / 255.0;
    table[i] = static_cast<float>(exact_log(alpha / (1.0 - alpha)));
  }
}

bool read_tables(int version, const SogTables& in, bool has_rest, ByteTables* out, size_t* where) {
  for (size_t axis = 0; axis < 6; ++axis) {
    *where = 0;
    if (!(std::fabs(in.means[axis]) <= kMeansLimit)) return false;
  }
  for (size_t axis = 0; axis < 3; ++axis) {
    *where = 1;
    if (version == 1 ? !read_range(in.scales[axis], in.scales[3 + axis], out->scales[axis])
                     : !read_codebook(in.scales, out->scales[axis]))
      return false;
    *where = 2;
    if (version == 1 ? !read_range(in.sh0[axis], in.sh0[4 + axis], out->colors[axis])
                     : !read_codebook(in.sh0, out->colors[axis]))
      return false;
  }
  if (version == 2) alpha_logits(out->opacity);
  if (version == 1 && !read_range(in.sh0[3], in.sh0[7], out->opacity)) return false;
  *where = 3;
  if (has_rest && (version == 1 ? !read_range(in.shN[0], in.shN[1], out->rest) : !read_codebook(in.shN, out->rest)))
    return false;
  for (size_t i = 0; i < kByteCodes; ++i) out->rotation[i] = (static_cast<double>(i) / 255.0 * 2.0 - 1.0) / kSqrt2;
  return true;
}

// The writer stored sign(x) ln(|x| + 1).
float position(double low, double span, uint32_t code) {
  const double folded = low + span * (static_cast<double>(code) / 65535.0);
  const double size = exact_exp(std::fabs(folded)) - 1.0;
  return static_cast<float>(folded < 0.0 ? -size : size);
}

// One axis of all splats: by a table of all codes where there are more splats than codes.
void positions(const SogCodes& codes, const SogTables& tables, size_t axis, float* out) {
  const double low = tables.means[axis];
  double span = tables.means[3 + axis] - low;
  if (span == 0.0) span = 1.0;
  std::vector<float> table(codes.splats > kPositionCodes ? kPositionCodes : 0);
  for (size_t code = 0; code < table.size(); ++code) table[code] = position(low, span, static_cast<uint32_t>(code));
  for (size_t i = axis; i < 3 * codes.splats; i += 3)
    out[i] = table.empty() ? position(low, span, codes.positions[i]) : table[codes.positions[i]];
}

void rotation(const uint8_t* code, const double* table, float* out) {
  double a = table[code[0]], b = table[code[1]], c = table[code[2]];
  double rest = 1.0 - (a * a + b * b + c * c);
  float kept[3] = {static_cast<float>(a), static_cast<float>(b), static_cast<float>(c)};
  size_t largest = code[3] - 252u;
  for (size_t i = 0, k = 0; i < 4; ++i)
    out[i] = i == largest ? static_cast<float>(std::sqrt(rest > 0.0 ? rest : 0.0)) : kept[k++];
}

// All but the positions.
void rows(const SogCodes& codes, const ByteTables& bytes, size_t begin, size_t end, const SogFloats& out) {
  const size_t values = 3 * codes.coefficients;
  for (size_t i = begin; i < end; ++i) {
    rotation(codes.rotations + 4 * i, bytes.rotation, out.rotations + 4 * i);
    float* sh = out.sh + i * (3 + values);
    for (size_t axis = 0; axis < 3; ++axis) {
      out.log_scales[3 * i + axis] = bytes.scales[axis][codes.scales[3 * i + axis]];
      sh[axis] = bytes.colors[axis][codes.colors[4 * i + axis]];
    }
    out.opacity_logits[i] = bytes.opacity[codes.colors[4 * i + 3]];
    if (!values) continue;
    const uint8_t* row = codes.palette + codes.labels[i] * values;
    for (size_t k = 0; k < values; ++k) sh[3 + k] = bytes.rest[row[k]];
  }
}

}  // namespace

Status dequantize_sog(int version, const SogCodes& codes, const SogTables& tables, int threads, const SogFloats& out,
                      size_t* where) {
  const ExactFloats exact;
  if (version != 1 && version != 2) return Status::unsupported_version;
  size_t n = codes.splats, values = 3 * codes.coefficients;
  ByteTables bytes;
  if (!read_tables(version, tables, values != 0, &bytes, where)) return Status::format;
  for (size_t i = 0; i < n; ++i) {
    if (codes.rotations[4 * i + 3] < 252 || (values && codes.labels[i] >= codes.palette_rows)) {
      *where = i;
      return Status::corrupt;
    }
  }
  parallel_for(3, threads, [&](int64_t axis) { positions(codes, tables, static_cast<size_t>(axis), out.positions); });
  parallel_for(static_cast<int64_t>((n + kBlock - 1) / kBlock), threads, [&](int64_t block) {
    const size_t begin = static_cast<size_t>(block) * kBlock;
    rows(codes, bytes, begin, std::min(begin + kBlock, n), out);
  });
  return Status::ok;
}

}  // namespace splatzip
