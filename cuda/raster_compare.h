// Pictures beside others: only sums go to the host.
#pragma once
#include "raster_frame.h"

namespace splatzip::cuda {

constexpr int kDifferencesAtOnce = 64;  // of a lane

// Of pictures of `values` numbers, one behind the other: squared differences, `parts` sums a picture and a warp each.
struct SquaredDifferences {
  struct Shared {
    double sums[kLanes];
  };
  static constexpr int64_t kOfWarp = int64_t{kLanes} * kDifferencesAtOnce;
  const float *pictures, *targets;
  int64_t values, parts;
  double* sums;

  static int64_t parts_of(int64_t values) { return (values + kOfWarp - 1) / kOfWarp; }

  template <class Warp>
  SPLZ_WARP void run(const Warp& warp, int64_t index, Shared* shared) const {
    const int64_t picture = index / parts * values, first = index % parts * kOfWarp;
    const int64_t last = first + kOfWarp < values ? first + kOfWarp : values;
    warp.each([&](int lane) {
      double sum = 0;
      for (int64_t at = picture + first + lane; at < picture + last; at += kLanes) {
        const float difference = pictures[at] - targets[at];
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
