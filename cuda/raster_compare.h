// Pictures beside others: only sums go to the host.
#pragma once
#include "raster_frame.h"

namespace splatzip::cuda {

constexpr int kDifferencesAtOnce = 64;  // of a lane

// Of two pictures: squared differences, a sum a warp.
struct SquaredDifferences {
  struct Shared {
    double sums[kLanes];
  };
  static constexpr int64_t kOfWarp = int64_t{kLanes} * kDifferencesAtOnce;
  const float* picture;
  const uint16_t* target;
  int64_t values;
  double* sums;

  static int64_t parts_of(int64_t values) { return (values + kOfWarp - 1) / kOfWarp; }

  template <class Warp>
  SPLZ_WARP void run(const Warp& warp, int64_t index, Shared* shared) const {
    const int64_t first = index * kOfWarp, last = first + kOfWarp < values ? first + kOfWarp : values;
    warp.each([&](int lane) {
      double sum = 0;
      for (int64_t at = first + lane; at < last; at += kLanes) {
        const float difference = picture[at] - from_half(target[at]);
        sum += static_cast<double>(difference * difference);
      }
      shared->sums[lane] = sum;
    });
    warp.each([&](int lane) {
      if (lane) return;
      double sum = 0;
      for (int l = 0; l < kLanes; ++l) sum += shared->sums[l];
      sums[index] = sum;
    });
  }
};

}  // namespace splatzip::cuda
