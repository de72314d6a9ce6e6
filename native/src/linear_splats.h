// What .splat and .ksplat have in common: linear scales, and colour and opacity as they are on the screen, a byte each.
//
// Part of the format (FORMAT.md, "Source format splat"): the operations below in the order written.
#pragma once
#include <cstdint>
#include <limits>

#include "splatzip/exact_math.h"

namespace splatzip {

constexpr double kShC0 = 0.28209479177387814;

// ln of a linear scale. A scale below `floor` (zero above all: viewers draw such a splat as a disc or a needle) has
// the floor's; what no viewer draws becomes a value that a Scene refuses: NaN for a negative scale, else the scale.
inline float log_of_scale(float scale, double floor) {
  if (!(scale <= std::numeric_limits<float>::max())) return scale;  // NaN, +Inf
  if (scale < 0.0f) return std::numeric_limits<float>::quiet_NaN();
  const double linear = static_cast<double>(scale);
  return static_cast<float>(exact_log(linear < floor ? floor : linear));
}

// The SH coefficient of degree 0 and the opacity logit that a byte stands for.
struct ByteTables {
  float dc[256];
  float logit[256];

  ByteTables() {
    for (int i = 0; i < 256; ++i) {
      dc[i] = static_cast<float>((i / 255.0 - 0.5) / kShC0);
      logit[i] = static_cast<float>(exact_log(i / (255.0 - i)));
    }
    logit[0] = -std::numeric_limits<float>::infinity();
    logit[255] = std::numeric_limits<float>::infinity();
  }
};

}  // namespace splatzip
