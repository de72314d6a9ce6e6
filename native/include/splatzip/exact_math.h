// exp and log with the same bits on every machine.
//
// Part of the format (FORMAT.md, "Exact functions"): float64, the operations below in the order written, no
// fused multiply-add (compile with -ffp-contract=off, nvcc --fmad=false). Error below 2 ulp of float64, so a
// value rounded to float32 is almost always the correctly rounded one; being the same everywhere is the point.
#pragma once
#include <cstdint>
#include <cstring>

#include "splatzip/host_device.h"

namespace splatzip {

SPLZ_HD double bits_to_double(uint64_t bits) {
  double value;
  memcpy(&value, &bits, 8);
  return value;
}

SPLZ_HD uint64_t double_to_bits(double value) {
  uint64_t bits;
  memcpy(&bits, &value, 8);
  return bits;
}

// ln 2 split so that k * kLn2High is exact for |k| < 2^20.
constexpr double kLn2High = 0x1.62e42feep-1;
constexpr double kLn2Low = 0x1.a39ef35793c76p-33;
constexpr double kInvLn2 = 0x1.71547652b82fep+0;

// e^x; x is clamped to [-700, 700] first (callers never need more).
SPLZ_HD double exact_exp(double x) {
  x = x < -700.0 ? -700.0 : (x > 700.0 ? 700.0 : x);
  double scaled = x * kInvLn2;
  int64_t k = static_cast<int64_t>(scaled + (scaled < 0.0 ? -0.5 : 0.5));  // truncation after +-1/2
  double kd = static_cast<double>(k);
  double r = (x - kd * kLn2High) - kd * kLn2Low;
  double p = 1.0 / 6227020800.0;
  p = p * r + 1.0 / 479001600.0;
  p = p * r + 1.0 / 39916800.0;
  p = p * r + 1.0 / 3628800.0;
  p = p * r + 1.0 / 362880.0;
  p = p * r + 1.0 / 40320.0;
  p = p * r + 1.0 / 5040.0;
  p = p * r + 1.0 / 720.0;
  p = p * r + 1.0 / 120.0;
  p = p * r + 1.0 / 24.0;
  p = p * r + 1.0 / 6.0;
  p = p * r + 0.5;
  p = p * r + 1.0;
  p = p * r + 1.0;
  return p * bits_to_double(static_cast<uint64_t>(k + 1023) << 52);
}

// ln x for a positive normal x; anything else is the caller's error and gives -745 (below every exp above).
SPLZ_HD double exact_log(double x) {
  if (!(x >= 0x1p-1022)) return -745.0;
  uint64_t bits = double_to_bits(x);
  int64_t e = static_cast<int64_t>(bits >> 52) - 1023;
  double m = bits_to_double((bits & 0xFFFFFFFFFFFFFull) | 0x3FF0000000000000ull);  // [1, 2)
  if (m > 1.4142135623730951) {
    m = m * 0.5;
    e = e + 1;
  }
  double s = (m - 1.0) / (m + 1.0);
  double z = s * s;
  double p = 1.0 / 23.0;
  p = p * z + 1.0 / 21.0;
  p = p * z + 1.0 / 19.0;
  p = p * z + 1.0 / 17.0;
  p = p * z + 1.0 / 15.0;
  p = p * z + 1.0 / 13.0;
  p = p * z + 1.0 / 11.0;
  p = p * z + 1.0 / 9.0;
  p = p * z + 1.0 / 7.0;
  p = p * z + 1.0 / 5.0;
  p = p * z + 1.0 / 3.0;
  double ed = static_cast<double>(e);
  double tail = 2.0 * s * (z * p) + ed * kLn2Low;
  return ed * kLn2High + (2.0 * s + tail);
}

}  // namespace splatzip
