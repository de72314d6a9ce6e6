#include "splatzip/dequantize_compressed_ply.h"

#include "dequantize_rows.h"

namespace splatzip {

CompressedPlyBytes compressed_ply_bytes() {
  CompressedPlyBytes bytes;
  bytes.logit[0] = -std::numeric_limits<float>::infinity();
  bytes.logit[255] = std::numeric_limits<float>::infinity();
  for (int i = 1; i < 255; ++i) {
    double alpha = static_cast<double>(i) / 255.0;
    bytes.logit[i] = static_cast<float>(-exact_log(1.0 / alpha - 1.0));
  }
  for (int i = 0; i < 256; ++i) {
    double unit = i == 0 ? 0.0 : i == 255 ? 1.0 : (static_cast<double>(i) + 0.5) / 256.0;
    bytes.sh[i] = static_cast<float>((unit - 0.5) * 8.0);
  }
  return bytes;
}

Status dequantize_compressed_ply(const CompressedPlyCodes& codes, int threads, const SceneArrays<float>& out,
                                 size_t* where) {
  const ExactFloats exact;
  const size_t n = codes.splats, columns = codes.chunk_columns;
  if ((columns != 12 && columns != 18) || first_illegal(codes, n) < n) return Status::format;
  for (size_t c = 0; c < codes.chunk_count; ++c) {
    if (!bounds_are_finite(codes, c)) {
      *where = c;
      return Status::corrupt;
    }
  }
  dequantize_rows(codes, compressed_ply_bytes(), n, threads, out);
  return Status::ok;
}

}  // namespace splatzip
