// SPZ codes -> floats. See the header; the formulas and their order are part of the format.
#include "splatzip/dequantize_spz.h"

#include <algorithm>

#include "dequantize_rows.h"

namespace splatzip {
namespace {

constexpr int kAxesRDF = 6;
constexpr float kColorScale = 0.15f;

void read_axes(int axes, SpzBytes* bytes) {
  bytes->quarter_turn = ((axes - 1) >> 3) & 1;
  const int differing = ((axes - 1) ^ (kAxesRDF - 1)) & 7;
  const float x = differing & 1 ? -1.0f : 1.0f;
  const float y = differing & 2 ? -1.0f : 1.0f;
  const float z = differing & 4 ? -1.0f : 1.0f;
  const float p[3] = {x, y, z};
  const float q[3] = {y * z, x * z, x * y};
  std::copy(p, p + 3, bytes->sign);
  std::copy(q, q + 3, bytes->turn);
  // The last one, degree 4 order 4, is even in y; the reference flips it with y when it writes and when it reads,
  // so its files hold it flipped.
  const float sh[24] = {y,     z,         x,                                           // degree 1
                        x * y, y * z,     1.0f,  x * z, 1.0f,                          // degree 2
                        y,     x * y * z, y,     z,     x,    z,     x,                // degree 3
                        x * y, y * z,     x * y, y * z, 1.0f, x * z, 1.0f, x * z, y};  // degree 4
  for (size_t k = 0; k < kSpzMostRest; ++k) bytes->sh[k] = sh[k / 3] / 128.0f;
}

}  // namespace

Status read_header(const SpzCodes& codes, SpzBytes* bytes) {
  if (codes.fractional_bits < 0 || codes.fractional_bits > 30) return Status::format;
  if (codes.sh_degree < 0 || codes.sh_degree > 4) return Status::format;
  if (codes.axes < 1 || codes.axes > 16) return Status::format;
  for (int i = 0; i < 256; ++i) {
    const float alpha = static_cast<float>(i) / 255.0f;
    const float odds = alpha / (1.0f - alpha);
    bytes->logit[i] = i == 0     ? -std::numeric_limits<float>::infinity()
                      : i == 255 ? std::numeric_limits<float>::infinity()
                                 : static_cast<float>(exact_log(static_cast<double>(odds)));
    bytes->color[i] = (static_cast<float>(i) / 255.0f - 0.5f) / kColorScale;
    bytes->scale[i] = static_cast<float>(i) / 16.0f - 10.0f;
  }
  bytes->step = static_cast<float>(1.0 / static_cast<double>(1u << codes.fractional_bits));
  read_axes(codes.axes, bytes);
  return Status::ok;
}

Status dequantize_spz(const SpzCodes& codes, int threads, const SceneArrays<float>& out) {
  const ExactFloats exact;
  SpzBytes bytes;
  if (read_header(codes, &bytes) != Status::ok) return Status::format;
  if (first_illegal(codes, codes.splats) < codes.splats) return Status::corrupt;
  dequantize_rows(codes, bytes, codes.splats, threads, out);
  return Status::ok;
}

}  // namespace splatzip
