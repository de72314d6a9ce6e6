// What .splat and .ksplat share: linear scales, and colour and opacity as displayed, a byte each.
//
// Part of the format (FORMAT.md, "Source format splat"): the operations below in the order written.
#pragma once
#include <cstdint>
#include <cstring>
#include <limits>

#include "splatzip/exact_math.h"

namespace splatzip {

constexpr double kShC0 = 0.28209479177387814;
constexpr float kLargestFloat = std::numeric_limits<float>::max();
constexpr float kNoFloat = std::numeric_limits<float>::quiet_NaN();

SPLZ_HD float float_of_bits(uint32_t bits) {
  float value;
  memcpy(&value, &bits, 4);
  return value;
}

// ln of a linear scale. A scale below `floor` (mostly zero: viewers draw such a splat as a disc or a needle) counts as
// the floor; what no viewer draws becomes a value that a Scene refuses: NaN for a negative scale, else the scale.
SPLZ_HD float log_of_scale(float scale, double floor) {
  if (!(scale <= kLargestFloat)) return scale;  // NaN, +Inf
  if (scale < 0.0f) return kNoFloat;
  const double linear = static_cast<double>(scale);
  return static_cast<float>(exact_log(linear < floor ? floor : linear));
}

// The SH coefficient of degree 0 and the opacity logit that a byte stands for.
struct LinearBytes {
  float dc[256];
  float logit[256];
};

inline LinearBytes linear_bytes() {
  LinearBytes bytes;
  for (int i = 0; i < 256; ++i) {
    bytes.dc[i] = static_cast<float>((i / 255.0 - 0.5) / kShC0);
    bytes.logit[i] = static_cast<float>(exact_log(i / (255.0 - i)));
  }
  bytes.logit[0] = -std::numeric_limits<float>::infinity();
  bytes.logit[255] = std::numeric_limits<float>::infinity();
  return bytes;
}

}  // namespace splatzip
