#include "splatzip/dequantize_sog.h"

#include <cmath>
#include <limits>
#include <vector>

#include "dequantize_rows.h"

namespace splatzip {
namespace {

constexpr double kSqrt2 = 1.4142135623730951;
constexpr double kMeansLimit = 87.0;  // e^88 is still a float32
constexpr size_t kPositionCodes = 65536;
constexpr size_t kByteCodes = 256;

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

// One axis of all splats: by a table of all codes where there are more splats than codes.
void positions(const SogCodes& codes, const SogBytes& bytes, size_t axis, float* out) {
  std::vector<float> table(codes.splats > kPositionCodes ? kPositionCodes : 0);
  for (size_t code = 0; code < table.size(); ++code)
    table[code] = sog_position(bytes, axis, static_cast<uint32_t>(code));
  for (size_t i = axis; i < 3 * codes.splats; i += 3)
    out[i] = table.empty() ? sog_position(bytes, axis, codes.positions[i]) : table[codes.positions[i]];
}

}  // namespace

Status read_tables(int version, const SogTables& in, bool has_rest, SogBytes* out, size_t* where) {
  if (version != 1 && version != 2) return Status::unsupported_version;
  for (size_t axis = 0; axis < 6; ++axis) {
    *where = 0;
    if (!(std::fabs(in.means[axis]) <= kMeansLimit)) return Status::format;
  }
  for (size_t axis = 0; axis < 3; ++axis) {
    out->low[axis] = in.means[axis];
    out->span[axis] = in.means[3 + axis] - in.means[axis];
    if (out->span[axis] == 0.0) out->span[axis] = 1.0;
  }
  for (size_t axis = 0; axis < 3; ++axis) {
    *where = 1;
    if (version == 1 ? !read_range(in.scales[axis], in.scales[3 + axis], out->scales[axis])
                     : !read_codebook(in.scales, out->scales[axis]))
      return Status::format;
    *where = 2;
    if (version == 1 ? !read_range(in.sh0[axis], in.sh0[4 + axis], out->colors[axis])
                     : !read_codebook(in.sh0, out->colors[axis]))
      return Status::format;
  }
  if (version == 2) alpha_logits(out->logit);
  if (version == 1 && !read_range(in.sh0[3], in.sh0[7], out->logit)) return Status::format;
  *where = 3;
  if (has_rest && (version == 1 ? !read_range(in.shN[0], in.shN[1], out->rest) : !read_codebook(in.shN, out->rest)))
    return Status::format;
  for (size_t i = 0; i < kByteCodes; ++i) out->rotation[i] = (static_cast<double>(i) / 255.0 * 2.0 - 1.0) / kSqrt2;
  return Status::ok;
}

Status dequantize_sog(int version, const SogCodes& codes, const SogTables& tables, int threads,
                      const SceneArrays<float>& out, size_t* where) {
  const ExactFloats exact;
  SogBytes bytes;
  const Status status = read_tables(version, tables, codes.coefficients != 0, &bytes, where);
  if (status != Status::ok) return status;
  *where = first_illegal(codes, codes.splats);
  if (*where < codes.splats) return Status::corrupt;
  parallel_for(3, threads, [&](int64_t axis) { positions(codes, bytes, static_cast<size_t>(axis), out.positions); });
  for_blocks(codes.splats, threads, [&](size_t begin, size_t end) {
    for (size_t row = begin; row < end; ++row) all_but_position(codes, bytes, row, row, out);
  });
  return Status::ok;
}

}  // namespace splatzip
