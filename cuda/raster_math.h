// What the rasterizer's bodies stand on: functions of one number, sums over the lanes of a warp, 16-bit floats.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>

#if defined(__CUDACC__)
#include <cuda_fp16.h>
#endif

#include "splatzip/projection.h"
#include "warp.h"

#if defined(__CUDACC__)
#define SPLZ_MEMBER __host__ __device__ __forceinline__
#else
#define SPLZ_MEMBER inline
#endif

namespace splatzip::cuda {

template <class Warp, class T>
using LanesOf = typename Warp::template Lanes<T>;

// What projection.h asks for.
struct ScalarMath {
  using F = float;
  SPLZ_MEMBER static float sqrt(float x) { return sqrtf(x); }
  SPLZ_MEMBER static float exp(float x) { return expf(x < -87.0f ? -87.0f : x > 87.0f ? 87.0f : x); }
  SPLZ_MEMBER static float log(float x) { return logf(x); }
};

// What need not be exact: by an instruction of a GPU's, where an exact function takes 10 to 30 and branches. Relative
// errors of 2^-22 at most; of log2, absolute ones where it is small. The emulation errs by as much, to one side or the
// other by the last bit of a result.
#if defined(__CUDACC__)
SPLZ_WARP float exp2_of(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}
SPLZ_WARP float log2_of(float x) {
  float y;
  asm("lg2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}
SPLZ_WARP float inverse_of(float x) {
  float y;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}
SPLZ_WARP float root_of(float x) {
  float y;
  asm("sqrt.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}
#else
static inline float off_by_most(float y, float size) {
  uint32_t bits;
  std::memcpy(&bits, &y, 4);
  return y + (bits & 1 ? 0x1p-22f : -0x1p-22f) * size;
}
static inline float off_by_most(float y) { return off_by_most(y, y); }
static inline float exp2_of(float x) { return off_by_most(exp2f(x)); }
static inline float log2_of(float x) {
  const float y = log2f(x);
  return off_by_most(y, fmaxf(fabsf(y), 1.0f));
}
static inline float inverse_of(float x) { return off_by_most(1.0f / x); }
static inline float root_of(float x) { return off_by_most(sqrtf(x)); }
#endif

// a b + c where one rounding is as good as two. The rest is compiled without contraction: what counts tiles and what
// writes them down must find the same numbers.
SPLZ_WARP float fused(float a, float b, float c) {
#if defined(__CUDACC__)
  return fmaf(a, b, c);
#else
  return a * b + c;
#endif
}

SPLZ_WARP float at_most(float x, float most) { return x < most ? x : most; }
SPLZ_WARP int lowest_bit(uint32_t mask) {
#if defined(__CUDACC__)
  return __ffs(static_cast<int>(mask)) - 1;
#else
  return __builtin_ctz(mask);
#endif
}

SPLZ_WARP int highest_bit(uint32_t mask) {
#if defined(__CUDACC__)
  return 31 - __clz(static_cast<int>(mask));
#else
  return 31 - __builtin_clz(mask);
#endif
}

// float32 to the nearest 16-bit float, ties to even; what is too large becomes the largest. And back.
SPLZ_WARP uint16_t to_half(float x) {
  x = x > 65504.0f ? 65504.0f : x < -65504.0f ? -65504.0f : x;
#if defined(__CUDACC__)
  return __half_as_ushort(__float2half_rn(x));
#else
  uint32_t bits;
  std::memcpy(&bits, &x, 4);
  const uint32_t sign = bits >> 16 & 0x8000, size = bits & 0x7FFFFFFF;
  if (size < 0x38800000) return static_cast<uint16_t>(sign | static_cast<uint32_t>(nearbyintf(fabsf(x) * 0x1p24f)));
  return static_cast<uint16_t>(sign | ((size - 0x38000000 + 0xFFF + (size >> 13 & 1)) >> 13));
#endif
}
SPLZ_WARP float from_half(uint16_t half) {
#if defined(__CUDACC__)
  return __half2float(__ushort_as_half(half));
#else
  const uint32_t exponent = half >> 10 & 31, mantissa = half & 1023;
  const float size = exponent ? ldexpf(1024.0f + mantissa, static_cast<int>(exponent) - 25) : mantissa * 0x1p-24f;
  return half >> 15 ? -size : size;
#endif
}

// Sums over lanes: a tree whose order is the same in every warp and in its emulation.
template <class Warp>
SPLZ_WARP LanesOf<Warp, float> plus_swapped(const Warp& warp, LanesOf<Warp, float> values, int distance) {
  const LanesOf<Warp, float> other = warp.shuffle(values, [=](int lane) { return lane ^ distance; });
  warp.own([&](int lane) { values[lane] += other[lane]; });
  return values;
}
template <class Warp>
SPLZ_WARP LanesOf<Warp, float> sum_of_lanes(const Warp& warp, LanesOf<Warp, float> values) {
  SPLZ_UNROLL
  for (int distance = kLanes / 2; distance; distance /= 2) values = plus_swapped(warp, values, distance);
  return values;
}
template <class Warp, class Lanes>
SPLZ_WARP Lanes most_of_lanes(const Warp& warp, Lanes values) {
  SPLZ_UNROLL
  for (int distance = kLanes / 2; distance; distance /= 2) {
    const Lanes other = warp.shuffle(values, [=](int lane) { return lane ^ distance; });
    warp.own([&](int lane) { values[lane] = other[lane] > values[lane] ? other[lane] : values[lane]; });
  }
  return values;
}

// Sums of `Rows` values a lane, a power of two, at once: that of row r ends in the lanes for which row_of_lane says r.
// Rows - 1 exchanges and a few, where one sum after the other would take 5 Rows.
template <int Rows>
SPLZ_WARP int row_of_lane(int lane) {
  int row = 0;
  for (int bit = 1, distance = kLanes / 2; bit < Rows; bit *= 2, distance /= 2) row |= lane & distance ? bit : 0;
  return row;
}
template <int Rows, class Warp>
SPLZ_WARP LanesOf<Warp, float> sums_of_lanes(const Warp& warp, LanesOf<Warp, float>* rows) {
  SPLZ_UNROLL
  for (int count = Rows, distance = kLanes / 2; count > 1; count /= 2, distance /= 2) {
    SPLZ_UNROLL
    for (int i = 0; i < count / 2; ++i) {
      LanesOf<Warp, float> kept, given;
      warp.own([&](int lane) {
        const bool upper = lane & distance;
        kept[lane] = upper ? rows[2 * i + 1][lane] : rows[2 * i][lane];
        given[lane] = upper ? rows[2 * i][lane] : rows[2 * i + 1][lane];
      });
      const LanesOf<Warp, float> other = warp.shuffle(given, [=](int lane) { return lane ^ distance; });
      warp.own([&](int lane) { rows[i][lane] = kept[lane] + other[lane]; });
    }
  }
  LanesOf<Warp, float> sums = rows[0];
  SPLZ_UNROLL
  for (int distance = kLanes / Rows / 2; distance; distance /= 2) sums = plus_swapped(warp, sums, distance);
  return sums;
}

}  // namespace splatzip::cuda
