// What one warp does for a step of repair; the arithmetic is splatzip/repair.h, the CPU's.
#pragma once
#include "raster_frame.h"
#include "splatzip/repair.h"

namespace splatzip::cuda {

constexpr int kElementsOfLane = 4;  // that lie a warp apart
constexpr int64_t kElementsOfWarp = int64_t{kLanes} * kElementsOfLane;
SPLZ_HD int64_t warps_for(int64_t elements) { return (elements + kElementsOfWarp - 1) / kElementsOfWarp; }

// Calls body(element) for those of a warp.
template <class Warp, class Body>
SPLZ_WARP void each_element(const Warp& warp, int64_t index, int64_t elements, const Body& body) {
  warp.each([&](int lane) {
    SPLZ_UNROLL
    for (int k = 0; k < kElementsOfLane; ++k) {
      const int64_t at = index * kElementsOfWarp + k * kLanes + lane;
      if (at < elements) body(at);
    }
  });
}

// Rotations are normalised, and the unit of each splat's positions is found.
struct BeginRepair {
  struct Shared {};
  int64_t splats;
  const float* log_scales;
  float *rotations, *units;

  template <class Warp>
  SPLZ_WARP void run(const Warp& warp, int64_t index, Shared*) const {
    each_element(warp, index, splats, [&](int64_t splat) {
      normalise_rotation(rotations + 4 * splat);
      units[splat] = repair_unit(log_scales + 3 * splat);
    });
  }
};

// A picture becomes the loss's gradient to it.
struct CompareToTarget {
  struct Shared {};
  int64_t numbers;
  const uint16_t* target;
  float over_small, share;
  float* picture;

  template <class Warp>
  SPLZ_WARP void run(const Warp& warp, int64_t index, Shared*) const {
    each_element(warp, index, numbers, [&](int64_t at) {
      picture[at] = huber_gradient(picture[at] - from_half(target[at]), over_small, share);
    });
  }
};

// A step of Adam for one attribute, `width` numbers a splat; the first `first_count` of a row have a rate of their own.
struct AdamStep {
  struct Shared {};
  int64_t splats;
  int width, first_count;
  float first_rate, rate;
  const float* units;    // of the rates, by splat; or null
  const uint32_t* seen;  // a bit a splat: only those move
  float unbias_moment, unbias_square;
  bool clamps;  // opacities
  const float* gradient;
  float *moments, *squares, *values;

  template <class Warp>
  SPLZ_WARP void run(const Warp& warp, int64_t index, Shared*) const {
    each_element(warp, index, splats * width, [&](int64_t at) {
      const int64_t splat = at / width;
      if (!(seen[splat / kGroup] >> (splat % kGroup) & 1)) return;
      const float of_number = at % width < first_count ? first_rate : rate;
      adam<ScalarMath>(unbias_moment, unbias_square, gradient[at], 1.0f, units ? units[splat] * of_number : of_number,
                       moments + at, squares + at, values + at);
      if (!clamps || values[at] - values[at] != 0) return;
      const float most = kMostRepairedLogit;
      values[at] = values[at] < -most ? -most : values[at] > most ? most : values[at];
    });
  }
};

// Rows of `from` to those of what is shown, with axes in the order of the values'.
struct ShowRows {
  struct Shared {};
  int64_t count;
  const int32_t* rows;  // of the values, by row of `from`; negative: none. Null: the same
  int numbers;          // of SH
  SceneArrays<const float> from;
  const float* rotations;  // the values'
  SceneArrays<float> shown;

  template <class Warp>
  SPLZ_WARP void run(const Warp& warp, int64_t index, Shared*) const {
    each_element(warp, index, count, [&](int64_t at) {
      const int64_t row = rows ? rows[at] : at;
      if (row < 0) return;
      float q[4], log_scales[3];
      for (int k = 0; k < 4; ++k) q[k] = from.rotations[4 * at + k];
      for (int k = 0; k < 3; ++k) log_scales[k] = from.log_scales[3 * at + k];
      normalise_rotation(q);
      turn_to(rotations + 4 * row, q, log_scales);
      for (int k = 0; k < 4; ++k) shown.rotations[4 * row + k] = q[k];
      for (int k = 0; k < 3; ++k) shown.log_scales[3 * row + k] = log_scales[k];
      for (int k = 0; k < 3; ++k) shown.positions[3 * row + k] = from.positions[3 * at + k];
      shown.opacity_logits[row] = from.opacity_logits[at];
      for (int k = 0; k < numbers; ++k) shown.sh[numbers * row + k] = from.sh[numbers * at + k];
    });
  }
};

}  // namespace splatzip::cuda
