#include "splatzip/dequantize_splat.h"

#include <algorithm>
#include <cstring>

#include "float_mode.h"
#include "linear_splats.h"
#include "parallel.h"

namespace splatzip {
namespace {

constexpr size_t kBlock = 1 << 14;           // splats a task; no result depends on it
constexpr double kSmallestScale = 0x1p-126;  // Part of the format: the smallest normal float32

void rows(const SplatCodes& codes, const ByteTables& tables, size_t begin, size_t end, const SplatFloats& out) {
  memcpy(out.positions + 3 * begin, codes.positions + 3 * begin, 12 * (end - begin));
  for (size_t i = 3 * begin; i < 3 * end; ++i) {
    float scale;
    memcpy(&scale, &codes.scales[i], 4);
    out.log_scales[i] = log_of_scale(scale, kSmallestScale);
  }
  for (size_t i = 4 * begin; i < 4 * end; ++i) {
    out.rotations[i] = static_cast<float>(static_cast<int>(codes.rotations[i]) - 128) * 0x1p-7f;
  }
  for (size_t i = begin; i < end; ++i) {
    for (size_t k = 0; k < 3; ++k) out.sh[3 * i + k] = tables.dc[codes.colors[4 * i + k]];
    out.opacity_logits[i] = tables.logit[codes.colors[4 * i + 3]];
  }
}

}  // namespace

void dequantize_splat(const SplatCodes& codes, int threads, const SplatFloats& out) {
  const ExactFloats exact;
  const ByteTables tables;
  parallel_for(static_cast<int64_t>((codes.splats + kBlock - 1) / kBlock), threads, [&](int64_t block) {
    const size_t begin = static_cast<size_t>(block) * kBlock;
    rows(codes, tables, begin, std::min(begin + kBlock, codes.splats), out);
  });
}

}  // namespace splatzip
