#include "splatzip/dequantize_splat.h"

#include "dequantize_rows.h"

namespace splatzip {

void dequantize_splat(const SplatCodes& codes, int threads, const SceneArrays<float>& out) {
  const ExactFloats exact;
  dequantize_rows(codes, linear_bytes(), codes.splats, threads, out);
}

}  // namespace splatzip
