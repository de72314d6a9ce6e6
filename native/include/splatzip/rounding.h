// The codes of a splat's numbers: shared by the encoders of codec STEPPED on the CPU and on GPUs. float64 and
// integers, operations one by one in the written order: the same codes everywhere.
#pragma once
#include <cmath>
#include <cstdint>

#include "splatzip/exact_math.h"
#include "splatzip/host_device.h"

namespace splatzip {

// An encoder's errors in units of the steps: opacity, the scales, the rotation. Rounding and compensation of earlier
// errors stay below kLostError, which stands for what no code can express.
constexpr float kLostError = 1.5f;

// Opacity levels: 0 invisible, 1..levels, levels + 1 opaque. `error` is set.
SPLZ_HD int32_t opacity_code(double logit, int32_t power, int32_t levels, float* error) {
  *error = 0;
  if (logit - logit != 0) return logit > 0 ? levels + 1 : 0;  // infinite
  // ln alpha = -ln(1 + e^-logit)
  const double log_alpha = logit > 0 ? -exact_log(1.0 + exact_exp(-logit)) : logit - exact_log(1.0 + exact_exp(logit));
  const double y = exact_exp(log_alpha * power / 256.0) * levels;
  const int32_t whole = static_cast<int32_t>(y), code = 1 + (whole < levels - 1 ? whole : levels - 1);
  const double apart = code - 0.5 - y;
  *error = static_cast<float>(apart < -1.0 ? -1.0 : apart > 1.0 ? 1.0 : apart);
  return code;
}

// log2 of a scale relative to the reference, 1/65536 octave.
SPLZ_HD int32_t wanted_scale(float log_scale, int32_t reference) {
  const double x = std::floor(log_scale * (65536.0 * kInvLn2) - reference + 0.5);
  return static_cast<int32_t>(x < -8e6 ? -8e6 : x > 8e6 ? 8e6 : x);
}

// Scale j, largest first: compensates for the errors of opacity and of larger scales. errors: opacity's, then those
// of the scales; errors[1 + j] is set.
SPLZ_HD int32_t scale_code(int j, int32_t wanted, int32_t power, int32_t log2_step, float* errors) {
  const float feedback[3][3] = {{0.4f, 0, 0}, {0.36f, 0.2f, 0}, {0.36f, 0.24f, 0.34f}};
  const double octave = 65536.0 * kInvLn2;
  const double y = exact_exp((wanted * (power / 256.0) - log2_step) * (1.0 / octave));
  float pull = 0;
  for (int k = 0; k <= j; ++k) pull = pull + feedback[j][k] * errors[k];
  pull = pull < -0.6f ? -0.6f : pull > 0.6f ? 0.6f : pull;
  const double target = (y < 16777216.0 ? y : 16777216.0) - pull, least = target > 0.0 ? target : 0.0;
  const int32_t code = static_cast<int32_t>(least + 0.5);
  const float apart = static_cast<float>((code ? code : 0.3) - y);
  errors[1 + j] = apart < -kLostError ? -kLostError : apart > kLostError ? kLostError : apart;
  return code;
}

// Units of a tile's grid from its origin; cell is 2^exponent.
SPLZ_HD double units_from_origin(float position, double cell, int64_t origin, int32_t mantissa) {
  return (position / cell - static_cast<double>(origin)) / mantissa;
}

// The axes of a splat that are coded: the main one (the longest of a needle, the shortest of a disc), and the second.
SPLZ_HD void coded_axes(const float q[4], const float log_scales[3], bool needle, float main_axis[3],
                        float second_axis[3]) {
  const double w = q[0], x = q[1], y = q[2], z = q[3], norm = ((w * w + x * x) + y * y) + z * z, k = 2.0 / norm;
  const float columns[3][3] = {{static_cast<float>(1 - k * (y * y + z * z)), static_cast<float>(k * (x * y + w * z)),
                                static_cast<float>(k * (x * z - w * y))},
                               {static_cast<float>(k * (x * y - w * z)), static_cast<float>(1 - k * (x * x + z * z)),
                                static_cast<float>(k * (y * z + w * x))},
                               {static_cast<float>(k * (x * z + w * y)), static_cast<float>(k * (y * z - w * x)),
                                static_cast<float>(1 - k * (x * x + y * y))}};
  int order[3] = {0, 1, 2};  // longest first; of equal ones the first stays first
  for (int sorted = 1; sorted < 3; ++sorted)
    for (int at = sorted; at > 0 && log_scales[order[at]] > log_scales[order[at - 1]]; --at) {
      const int other = order[at];
      order[at] = order[at - 1];
      order[at - 1] = other;
    }
  for (int a = 0; a < 3; ++a) {
    main_axis[a] = columns[order[needle ? 0 : 2]][a];
    second_axis[a] = columns[order[needle ? 1 : 0]][a];
  }
}

// A number of steps to the code nearest to it, drawn towards 0 by `dead`.
constexpr int kMostCode = 1000000;  // what is more steps than this from its prediction gets this code
template <class F>
SPLZ_HD F rounded_code(F steps, float dead_zone) {
  const float kRound = 12582912.0f;  // 1.5 * 2^23: adding and subtracting it rounds to the nearest integer
  const float kMost = kMostCode;
  const F zero = F{};
  F code = steps < -kMost ? zero - kMost : steps;
  code = code > kMost ? zero + kMost : code;
  const F dead = zero + dead_zone;
  code = code > dead ? code - dead : code < -dead ? code + dead : zero;
  return (code + kRound) - kRound;
}

}  // namespace splatzip
