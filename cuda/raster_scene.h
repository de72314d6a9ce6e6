// A scene to groups of 32 splats, attribute by attribute: what a warp reads is one stream.
#pragma once
#include "raster.h"
#include "raster_frame.h"

namespace splatzip::cuda {

constexpr float kInvisible = -5.6f;  // a logit whose opacity is below 1/255

// Where splats come from: arrays as the host has them,
struct FromArrays {
  SceneArrays<const float> arrays;
  int coefficients;
  SPLZ_WARP float logit(int64_t splat) const { return arrays.opacity_logits[splat]; }
  SPLZ_WARP float position(int64_t splat, int k) const { return arrays.positions[3 * splat + k]; }
  SPLZ_WARP float log_scale(int64_t splat, int k) const { return arrays.log_scales[3 * splat + k]; }
  SPLZ_WARP float rotation(int64_t splat, int k) const { return arrays.rotations[4 * splat + k]; }
  SPLZ_WARP float color(int64_t splat, int c) const { return arrays.sh[splat * coefficients * 3 + c]; }
  SPLZ_WARP float sh(int64_t splat, int k) const { return arrays.sh[splat * coefficients * 3 + 3 + k]; }
};

// or a scene that is laid out already, of which these rows stay.
template <class Sh>
struct FromGroups {
  GroupedScene<Sh> scene;
  const uint32_t* rows;
  int coefficients;
  SPLZ_WARP float logit(int64_t splat) const { return geometry(splat, kOpacityRow); }
  SPLZ_WARP float position(int64_t splat, int k) const { return geometry(splat, kPositionRow + k); }
  SPLZ_WARP float log_scale(int64_t splat, int k) const { return geometry(splat, kLogScaleRow + k); }
  SPLZ_WARP float rotation(int64_t splat, int k) const { return geometry(splat, kRotationRow + k); }
  SPLZ_WARP float color(int64_t splat, int c) const { return scene.colors[at(splat, 3, c)]; }
  SPLZ_WARP float sh(int64_t splat, int k) const { return sh_value(scene.sh[at(splat, 3 * (coefficients - 1), k)]); }

 private:
  SPLZ_WARP float geometry(int64_t splat, int row) const { return scene.geometry[at(splat, kGeometryRows, row)]; }
  SPLZ_WARP int64_t at(int64_t splat, int width, int row) const {
    const int64_t from = rows[splat];
    return (from / kGroup * width + row) * kGroup + from % kGroup;
  }
};

template <class Sh, class From>
struct GroupScene {
  struct Shared {};
  From from;
  const uint32_t* changed;  // by group, 0: it stays as it is; or null
  int64_t splats;
  int coefficients;
  float *geometry, *colors;
  Sh* sh;
  float* bounds;

  SPLZ_WARP void write(float* at, float value) const { *at = value; }
  SPLZ_WARP void write(uint16_t* at, float value) const { *at = to_half(value); }

  template <class Warp>
  SPLZ_WARP void run(const Warp& warp, int64_t group, Shared*) const {
    if (changed && !changed[group]) return;
    LanesOf<Warp, float> low[3], high[3], place[3], most_scale;
    LanesOf<Warp, bool> counts;
    warp.each([&](int lane) {
      const int64_t splat = group * kGroup + lane;
      const bool there = splat < splats;
      float* rows = geometry + group * kGeometryRows * kGroup + lane;
      const float logit = there ? from.logit(splat) : -INFINITY;
      rows[kOpacityRow * kGroup] = logit;
      counts[lane] = logit > kInvisible;
      most_scale[lane] = -INFINITY;
      for (int k = 0; k < 3; ++k) {
        const float at = there ? from.position(splat, k) : 0, size = there ? from.log_scale(splat, k) : 0;
        rows[(kPositionRow + k) * kGroup] = at;
        rows[(kLogScaleRow + k) * kGroup] = size;
        place[k][lane] = at;
        low[k][lane] = counts[lane] && at < INFINITY ? -at : -INFINITY;  // the lowest is the most of what is negated
        high[k][lane] = counts[lane] && at > -INFINITY ? at : -INFINITY;
        if (counts[lane] && size > most_scale[lane]) most_scale[lane] = size;
      }
      for (int k = 0; k < 4; ++k)
        rows[(kRotationRow + k) * kGroup] = there ? from.rotation(splat, k) : static_cast<float>(k == 0);
      for (int c = 0; c < 3; ++c) colors[(group * 3 + c) * kGroup + lane] = there ? from.color(splat, c) : 0.0f;
      Sh* to = sh + group * (coefficients - 1) * 3 * kGroup + lane;
      for (int k = 0; k < 3 * (coefficients - 1); ++k) write(to + k * kGroup, there ? from.sh(splat, k) : 0.0f);
    });
    float centre[3];
    const bool any = warp.ballot(counts);
    for (int k = 0; k < 3; ++k) {
      const float least = -warp.of_lane(most_of_lanes(warp, low[k]), 0),
                  most = warp.of_lane(most_of_lanes(warp, high[k]), 0);
      centre[k] = any ? 0.5f * (least + most) : 0.0f;
    }
    LanesOf<Warp, float> distance2;
    warp.own([&](int lane) {
      float sum = 0;
      for (int k = 0; k < 3; ++k) sum += (place[k][lane] - centre[k]) * (place[k][lane] - centre[k]);
      distance2[lane] = counts[lane] ? sum : 0.0f;
    });
    constexpr float kRounded = 1.001f;
    const float radius2 = warp.of_lane(most_of_lanes(warp, distance2), 0);
    const float scale = warp.of_lane(most_of_lanes(warp, most_scale), 0);
    warp.each([&](int lane) {
      float* of_group = bounds + group * kBoundRows;
      if (lane < 3) of_group[lane] = lane == 0 ? centre[0] : lane == 1 ? centre[1] : centre[2];
      if (lane == kRadiusRow) of_group[lane] = any ? sqrtf(radius2) * kRounded : -INFINITY;
      if (lane == kDeviationRow) of_group[lane] = any ? expf(scale) * kRounded : 0.0f;
    });
  }
};

}  // namespace splatzip::cuda
