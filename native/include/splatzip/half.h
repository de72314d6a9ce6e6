// IEEE binary16 to float32, exactly.
#pragma once
#include <cstdint>
#include <limits>

#include "splatzip/exact_math.h"

namespace splatzip {

constexpr double kNoNumber = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinite = std::numeric_limits<double>::infinity();

SPLZ_HD float half_to_float(uint16_t half) {
  const int exponent = (half >> 10) & 31;
  const int mantissa = half & 1023;
  double magnitude;
  if (exponent == 31) {
    magnitude = mantissa ? kNoNumber : kInfinite;
  } else if (exponent == 0) {
    magnitude = mantissa * 0x1p-24;
  } else {
    magnitude = (1024 + mantissa) * bits_to_double(static_cast<uint64_t>(exponent - 25 + 1023) << 52);
  }
  return static_cast<float>(half >> 15 ? -magnitude : magnitude);
}

}  // namespace splatzip
