// The normative dequantizer of Niantic SPZ: codes as in the file -> floats of a scene (right-down-front).
//
// Part of the format (FORMAT.md, "Source format spz"). float32 + - * / sqrt in the written order; the logarithm of the
// opacity is evaluated once a code through exact_log. The results agree with the reference decoder to float32 rounding.
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "splatzip/half.h"
#include "splatzip/scene_arrays.h"
#include "splatzip/status.h"

namespace splatzip {

// Caller-owned arrays of N rows. Exactly one of (positions, half_positions) and of (rotations, first_three) is set.
struct SpzCodes {
  size_t splats;
  const uint32_t* positions;       // (N, 3) 24-bit two's complement + 2^23, each < 2^24
  const uint16_t* half_positions;  // (N, 3) IEEE binary16 (version 1)
  const uint8_t* alphas;           // (N)
  const uint8_t* colors;           // (N, 3)
  const uint8_t* scales;           // (N, 3)
  const uint32_t* rotations;       // (N) smallest three (versions 3 and 4)
  const uint8_t* first_three;      // (N, 3) x y z (versions 1 and 2)
  const uint8_t* sh;               // (N, B, 3); null where B is 0
  int fractional_bits;             // 0..30
  int sh_degree;                   // 0..4
  int axes;                        // 1..16, the numbers of the coordinate-system extension; 4 is the default, RUB
};

// Returns corrupt if a position code is 2^24 or more, format if a header field is out of its range; nothing is written
// then.
Status dequantize_spz(const SpzCodes& codes, int threads, const SceneArrays<float>& out);

// --- A splat of it, wherever it runs ---

constexpr float kSqrtHalf = 0.707106781186547524401f;
constexpr int kSpzMostRest = 72;

// What bytes stand for, and what turns values in the file's axes into right-down-front: signs, then (axes 9..16, whose
// y and z are swapped) a quarter turn about x.
struct SpzBytes {
  float logit[256], color[256], scale[256];
  float step;              // of positions
  float sign[3];           // of positions
  float turn[3];           // the signs of x, y and z of rotations
  float sh[kSpzMostRest];  // (code - 128) / 128 and the sign in one: powers of two, so exact
  bool quarter_turn;
};
// Status::format if a header field is out of its range.
Status read_header(const SpzCodes& codes, SpzBytes* bytes);

SPLZ_HD bool is_legal(const SpzCodes& codes, size_t row) {
  if (!codes.positions) return true;
  const uint32_t* p = codes.positions + 3 * row;
  return (p[0] | p[1] | p[2]) < 1u << 24;
}

SPLZ_HD float at_least_zero(float value) { return 0.0f < value ? value : 0.0f; }

SPLZ_HD void smallest_three(uint32_t code, float xyzw[4]) {
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
  xyzw[largest] = sqrtf(at_least_zero(1.0f - sum));  // only codes that no writer makes reach below 0
}

SPLZ_HD void first_three(const uint8_t* bytes, float xyzw[4]) {
  for (int i = 0; i < 3; ++i) xyzw[i] = static_cast<float>(bytes[i]) * (1.0f / 127.5f) + -1.0f;
  const float sum = xyzw[0] * xyzw[0] + xyzw[1] * xyzw[1] + xyzw[2] * xyzw[2];
  xyzw[3] = sqrtf(at_least_zero(1.0f - sum));
}

// Rotation of the SH coefficients above degree 0 of one channel by a quarter turn about x, (x, y, z) -> (x, z, -y).
SPLZ_HD void quarter_turn_sh(int degree, float* c, size_t stride) {
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
    const float h = sqrtf(3.0f) / 2.0f;
    at(3) = -s[3];
    at(4) = -s[1];
    at(5) = -0.5f * s[2] - h * s[4];
    at(6) = s[0];
    at(7) = -h * s[2] + 0.5f * s[4];
  }
  if (degree >= 3) {
    load(8, 7);
    const float a = sqrtf(5.0f / 8.0f), b = sqrtf(3.0f / 8.0f), d = sqrtf(15.0f) / 4.0f;
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
    const float a = sqrtf(14.0f) / 4.0f, b = sqrtf(2.0f) / 4.0f, d = sqrtf(7.0f) / 4.0f;
    const float e = sqrtf(5.0f) / 4.0f, f = sqrtf(35.0f) / 8.0f;
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

SPLZ_HD void spz_position(const SpzCodes& codes, const SpzBytes& bytes, size_t row, float* out) {
  float p[3];
  for (int k = 0; k < 3; ++k) {
    if (codes.half_positions) {
      p[k] = half_to_float(codes.half_positions[3 * row + k]);
    } else {
      const uint32_t code = codes.positions[3 * row + k];
      p[k] = static_cast<float>(static_cast<int32_t>(code & 0xFFFFFFu) - (1 << 23)) * bytes.step;
    }
    p[k] *= bytes.sign[k];
  }
  out[0] = p[0];
  out[1] = bytes.quarter_turn ? p[2] : p[1];
  out[2] = bytes.quarter_turn ? -p[1] : p[2];
}

SPLZ_HD void spz_rotation(const SpzCodes& codes, const SpzBytes& bytes, size_t row, float* out) {
  float q[4];
  if (codes.rotations) {
    smallest_three(codes.rotations[row], q);
  } else {
    first_three(codes.first_three + 3 * row, q);
  }
  for (int k = 0; k < 3; ++k) q[k] *= bytes.turn[k];
  if (!bytes.quarter_turn) {
    out[0] = q[3];
    for (int k = 0; k < 3; ++k) out[1 + k] = q[k];
    return;
  }
  const float s = sqrtf(2.0f) / 2.0f;
  out[0] = s * (q[3] + q[0]);
  out[1] = s * (-q[3] + q[0]);
  out[2] = s * (q[1] + q[2]);
  out[3] = s * (-q[1] + q[2]);
}

SPLZ_HD void dequantize_row(const SpzCodes& codes, const SpzBytes& bytes, size_t row, size_t to,
                            const SceneArrays<float>& out) {
  const size_t width = 3 * static_cast<size_t>((codes.sh_degree + 1) * (codes.sh_degree + 1) - 1);
  spz_position(codes, bytes, row, out.positions + 3 * to);
  spz_rotation(codes, bytes, row, out.rotations + 4 * to);
  out.opacity_logits[to] = bytes.logit[codes.alphas[row]];
  float* sh = out.sh + to * (3 + width);
  for (size_t k = 0; k < 3; ++k) {
    out.log_scales[3 * to + k] = bytes.scale[codes.scales[3 * row + k]];
    sh[k] = bytes.color[codes.colors[3 * row + k]];
  }
  const uint8_t* rest = codes.sh + row * width;
  for (size_t k = 0; k < width; ++k) sh[3 + k] = static_cast<float>(static_cast<int>(rest[k]) - 128) * bytes.sh[k];
  for (int channel = 0; bytes.quarter_turn && channel < 3; ++channel)
    quarter_turn_sh(codes.sh_degree, sh + 3 + channel, 3);
}

}  // namespace splatzip
