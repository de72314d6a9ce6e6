// SPZ codes -> floats. See the header; the formulas and their order are part of the format.
#include "splatzip/dequantize_spz.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>

#include "float_mode.h"
#include "half.h"
#include "parallel.h"
#include "splatzip/exact_math.h"

namespace splatzip {
namespace {

constexpr int kAxesRDF = 6;
constexpr float kSqrtHalf = 0.707106781186547524401f;
constexpr float kColorScale = 0.15f;
constexpr size_t kBlock = 1 << 14;  // splats a task; no result depends on it

// What turns values in the file's axes into right-down-front: signs, then (axes 9..16, whose y and z are swapped)
// a quarter turn about x.
struct Axes {
  float p[3];
  float q[3];
  float sh[24];
  bool quarter_turn;
};

Axes axes_to_rdf(int axes) {
  Axes a;
  a.quarter_turn = ((axes - 1) >> 3) & 1;
  const int differing = ((axes - 1) ^ (kAxesRDF - 1)) & 7;
  const float x = differing & 1 ? -1.0f : 1.0f;
  const float y = differing & 2 ? -1.0f : 1.0f;
  const float z = differing & 4 ? -1.0f : 1.0f;
  const float p[3] = {x, y, z};
  const float q[3] = {y * z, x * z, x * y};
  std::copy(p, p + 3, a.p);
  std::copy(q, q + 3, a.q);
  // The last one, degree 4 order 4, is even in y; the reference flips it with y when it writes and when it reads,
  // so its files hold it flipped.
  const float sh[24] = {y,     z,         x,                                           // degree 1
                        x * y, y * z,     1.0f,  x * z, 1.0f,                          // degree 2
                        y,     x * y * z, y,     z,     x,    z,     x,                // degree 3
                        x * y, y * z,     x * y, y * z, 1.0f, x * z, 1.0f, x * z, y};  // degree 4
  std::copy(sh, sh + 24, a.sh);
  return a;
}

void smallest_three(uint32_t code, float xyzw[4]) {
  const int largest = static_cast<int>(code >> 30);
  float sum = 0.0f;
  for (int i = 3; i >= 0; --i) {
    if (i == largest) continue;
    float value = kSqrtHalf * static_cast<float>(code & 511u) / 511.0f;
    if (code & 512u) value = -value;
    code >>= 10;
    xyzw[i] = value;
    sum += value * value;
  }
  xyzw[largest] = std::sqrt(std::max(0.0f, 1.0f - sum));  // only codes that no writer makes reach below 0
}

void first_three(const uint8_t* bytes, float xyzw[4]) {
  for (int i = 0; i < 3; ++i) xyzw[i] = static_cast<float>(bytes[i]) * (1.0f / 127.5f) + -1.0f;
  const float sum = xyzw[0] * xyzw[0] + xyzw[1] * xyzw[1] + xyzw[2] * xyzw[2];
  xyzw[3] = std::sqrt(std::max(0.0f, 1.0f - sum));
}

// Rotation of the SH coefficients above degree 0 of one channel by a quarter turn about x, (x, y, z) -> (x, z, -y).
void quarter_turn_sh(int degree, float* c, size_t stride) {
  float s[9];
  const auto load = [&](int first, int count) {
    for (int i = 0; i < count; ++i) s[i] = c[(first + i) * stride];
  };
  const auto at = [&](int i) -> float& { return c[i * stride]; };
  if (degree >= 1) {
    load(0, 3);
    at(0) = -s[1];
    at(1) = s[0];
  }
  if (degree >= 2) {
    load(3, 5);
    const float h = std::sqrt(3.0f) / 2.0f;
    at(3) = -s[3];
    at(4) = -s[1];
    at(5) = -0.5f * s[2] - h * s[4];
    at(6) = s[0];
    at(7) = -h * s[2] + 0.5f * s[4];
  }
  if (degree >= 3) {
    load(8, 7);
    const float a = std::sqrt(5.0f / 8.0f), b = std::sqrt(3.0f / 8.0f), d = std::sqrt(15.0f) / 4.0f;
    at(8) = a * s[3] - b * s[5];
    at(9) = -s[1];
    at(10) = b * s[3] + a * s[5];
    at(11) = -a * s[0] - b * s[2];
    at(12) = -0.25f * s[4] - d * s[6];
    at(13) = b * s[0] - a * s[2];
    at(14) = -d * s[4] + 0.25f * s[6];
  }
  if (degree >= 4) {
    load(15, 9);
    const float a = std::sqrt(14.0f) / 4.0f, b = std::sqrt(2.0f) / 4.0f, d = std::sqrt(7.0f) / 4.0f;
    const float e = std::sqrt(5.0f) / 4.0f, f = std::sqrt(35.0f) / 8.0f;
    at(15) = a * s[5] - b * s[7];
    at(16) = -0.75f * s[1] + d * s[3];
    at(17) = b * s[5] + a * s[7];
    at(18) = d * s[1] + 0.75f * s[3];
    at(19) = 0.375f * s[4] + e * s[6] + f * s[8];
    at(20) = -a * s[0] - b * s[2];
    at(21) = e * s[4] + 0.5f * s[6] - d * s[8];
    at(22) = b * s[0] - a * s[2];
    at(23) = f * s[4] - d * s[6] + 0.125f * s[8];
  }
}

struct Tables {
  float logit[256], color[256], scale[256];

  Tables() {
    for (int i = 0; i < 256; ++i) {
      const float alpha = static_cast<float>(i) / 255.0f;
      const float odds = alpha / (1.0f - alpha);
      logit[i] = i == 0     ? -std::numeric_limits<float>::infinity()
                 : i == 255 ? std::numeric_limits<float>::infinity()
                            : static_cast<float>(exact_log(static_cast<double>(odds)));
      color[i] = (static_cast<float>(i) / 255.0f - 0.5f) / kColorScale;
      scale[i] = static_cast<float>(i) / 16.0f - 10.0f;
    }
  }
};

class Dequantizer {
 public:
  Dequantizer(const SpzCodes& codes, SpzFloats out)
      : c_(codes), o_(out), axes_(axes_to_rdf(codes.axes)), rest_((codes.sh_degree + 1) * (codes.sh_degree + 1) - 1) {}

  // Rows [begin, end); false if a position code is out of range.
  bool rows(size_t begin, size_t end) const {
    if (!positions(begin, end)) return false;
    for (size_t i = begin; i < end; ++i) o_.opacity_logits[i] = tables_.logit[c_.alphas[i]];
    for (size_t i = 3 * begin; i < 3 * end; ++i) o_.log_scales[i] = tables_.scale[c_.scales[i]];
    for (size_t i = begin; i < end; ++i) rotation(i);
    harmonics(begin, end);
    return true;
  }

 private:
  bool positions(size_t begin, size_t end) const {
    const float step = static_cast<float>(1.0 / static_cast<double>(1u << c_.fractional_bits));
    uint32_t bits = 0;
    for (size_t i = begin; i < end; ++i) {
      float p[3];
      for (int k = 0; k < 3; ++k) {
        if (c_.half_positions) {
          p[k] = half_to_float(c_.half_positions[3 * i + k]);
        } else {
          const uint32_t code = c_.positions[3 * i + k];
          bits |= code;
          p[k] = static_cast<float>(static_cast<int32_t>(code & 0xFFFFFFu) - (1 << 23)) * step;
        }
        p[k] *= axes_.p[k];
      }
      float* out = o_.positions + 3 * i;
      out[0] = p[0];
      out[1] = axes_.quarter_turn ? p[2] : p[1];
      out[2] = axes_.quarter_turn ? -p[1] : p[2];
    }
    return bits < (1u << 24);
  }

  void rotation(size_t i) const {
    float q[4];
    if (c_.rotations) {
      smallest_three(c_.rotations[i], q);
    } else {
      first_three(c_.first_three + 3 * i, q);
    }
    for (int k = 0; k < 3; ++k) q[k] *= axes_.q[k];
    float* out = o_.rotations + 4 * i;
    if (!axes_.quarter_turn) {
      out[0] = q[3];
      std::copy(q, q + 3, out + 1);
      return;
    }
    const float s = std::sqrt(2.0f) / 2.0f;
    out[0] = s * (q[3] + q[0]);
    out[1] = s * (-q[3] + q[0]);
    out[2] = s * (q[1] + q[2]);
    out[3] = s * (-q[1] + q[2]);
  }

  void harmonics(size_t begin, size_t end) const {
    const size_t width = 3 * static_cast<size_t>(rest_);
    float factor[72];  // (code - 128) / 128 and the sign in one: powers of two, so exact
    for (size_t k = 0; k < width; ++k) factor[k] = axes_.sh[k / 3] / 128.0f;
    for (size_t i = begin; i < end; ++i) {
      float* out = o_.sh + i * (3 + width);
      for (int k = 0; k < 3; ++k) out[k] = tables_.color[c_.colors[3 * i + k]];
      const uint8_t* in = c_.sh + i * width;
      for (size_t k = 0; k < width; ++k) out[3 + k] = static_cast<float>(static_cast<int>(in[k]) - 128) * factor[k];
      if (axes_.quarter_turn) {
        for (int channel = 0; channel < 3; ++channel) quarter_turn_sh(c_.sh_degree, out + 3 + channel, 3);
      }
    }
  }

  const SpzCodes& c_;
  SpzFloats o_;
  Axes axes_;
  int rest_;
  Tables tables_;
};

}  // namespace

Status dequantize_spz(const SpzCodes& codes, int threads, SpzFloats out) {
  const ExactFloats exact;
  if (codes.fractional_bits < 0 || codes.fractional_bits > 30) return Status::format;
  if (codes.sh_degree < 0 || codes.sh_degree > 4) return Status::format;
  if (codes.axes < 1 || codes.axes > 16) return Status::format;
  const Dequantizer dequantizer(codes, out);
  std::atomic<bool> good{true};
  parallel_for(static_cast<int64_t>((codes.splats + kBlock - 1) / kBlock), threads, [&](int64_t block) {
    const size_t begin = static_cast<size_t>(block) * kBlock;
    if (!dequantizer.rows(begin, std::min(begin + kBlock, codes.splats))) good = false;
  });
  return good ? Status::ok : Status::corrupt;
}

}  // namespace splatzip
