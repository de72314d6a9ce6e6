#include "splatzip/dequantize_ksplat.h"

#include "dequantize_rows.h"

namespace splatzip {
namespace {

constexpr size_t kDegreeOneColumns = 9;

// Bands are whole, channels apart inside a band.
size_t sh_slot(size_t column) {
  if (column < kDegreeOneColumns) return 3 * (1 + column % 3) + column / 3;
  column -= kDegreeOneColumns;
  return 3 * (4 + column % 5) + column / 5;
}

}  // namespace

KsplatBytes ksplat_bytes(const KsplatTables& tables) {
  KsplatBytes bytes;
  bytes.linear = linear_bytes();
  for (int i = 0; i < 256; ++i)
    bytes.sh[i] = static_cast<float>(i / 255.0 * (tables.sh_max - tables.sh_min) + tables.sh_min);
  for (size_t k = 0; k < kKsplatColumns; ++k) bytes.slots[k] = static_cast<uint8_t>(sh_slot(k));
  return bytes;
}

Status check_tables(const KsplatTables& tables, size_t* where) {
  for (size_t s = 0; s < tables.sections; ++s) {
    *where = s;
    if (tables.ranges[s] == 0 || tables.degrees[s] > 2) return Status::format;
    if (coefficients_of(tables.degrees[s]) > tables.coefficients) return Status::format;
  }
  for (size_t b = 0; b < tables.buckets; ++b) {
    *where = b;
    if (tables.bucket_sections[b] >= tables.sections) return Status::corrupt;
  }
  return Status::ok;
}

Status dequantize_ksplat(const KsplatCodes& codes, int threads, const SceneArrays<float>& out, size_t* where,
                         bool* in_tables) {
  const ExactFloats exact;
  *in_tables = true;
  const Status status = check_tables(codes.tables, where);
  if (status != Status::ok) return status;
  *in_tables = false;
  *where = first_illegal(codes, codes.splats);
  if (*where < codes.splats) return Status::corrupt;
  dequantize_rows(codes, ksplat_bytes(codes.tables), codes.splats, threads, out);
  return Status::ok;
}

}  // namespace splatzip
