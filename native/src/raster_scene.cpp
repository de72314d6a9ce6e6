// A scene's arrays to groups of 16 splats.
#include <algorithm>
#include <cmath>

#include "parallel.h"
#include "raster.h"

namespace splatzip {
namespace {

constexpr int64_t kGroupsAtOnce = 64;
constexpr float kInvisible = -5.6f;  // a logit whose opacity is below 1/255

// `width` floats a splat of `count` splats, to rows of a group.
void to_rows(const float* values, int width, int count, float* rows) {
  for (int row = 0; row < width; ++row)
    for (int lane = 0; lane < count; ++lane) rows[row * kGroup + lane] = values[lane * width + row];
}

// Lanes behind the last splat: nowhere to be seen.
void pad_group(int count, int sh_rows, float* geometry, float* sh) {
  for (int lane = count; lane < kGroup; ++lane) {
    for (int row = 0; row < kGeometryRows; ++row) geometry[row * kGroup + lane] = 0;
    geometry[kRotationRow * kGroup + lane] = 1;
    geometry[kOpacityRow * kGroup + lane] = -INFINITY;
    for (int row = 0; row < sh_rows; ++row) sh[row * kGroup + lane] = 0;
  }
}

}  // namespace

void bound_group(PreparedScene* scene, int64_t group) {
  const float* rows = scene->geometry.data() + group * kGeometryRows * kGroup;
  const float* opacities = rows + kOpacityRow * kGroup;
  float centre[3], radius2 = 0, most_log_scale = -INFINITY;
  bool any = false;
  for (int lane = 0; lane < kGroup; ++lane) any |= opacities[lane] > kInvisible;
  for (int k = 0; k < 3; ++k) {
    const float *places = rows + (kPositionRow + k) * kGroup, *log_scales = rows + (kLogScaleRow + k) * kGroup;
    float low = INFINITY, high = -INFINITY;
    for (int lane = 0; lane < kGroup; ++lane) {
      const bool counts = opacities[lane] > kInvisible;
      low = counts && places[lane] < low ? places[lane] : low;
      high = counts && places[lane] > high ? places[lane] : high;
      most_log_scale = counts && log_scales[lane] > most_log_scale ? log_scales[lane] : most_log_scale;
    }
    centre[k] = any ? 0.5f * (low + high) : 0.0f;
  }
  for (int lane = 0; lane < kGroup; ++lane) {
    float distance2 = 0;
    for (int k = 0; k < 3; ++k) {
      const float offset = rows[(kPositionRow + k) * kGroup + lane] - centre[k];
      distance2 += offset * offset;
    }
    radius2 = opacities[lane] > kInvisible && distance2 > radius2 ? distance2 : radius2;
  }
  constexpr float kRounded = 1.001f;
  float* bounds = scene->bounds.data() + group / kGroup * kBoundRows * kGroup + group % kGroup;
  for (int k = 0; k < 3; ++k) bounds[(kCentreRow + k) * kGroup] = centre[k];
  bounds[kRadiusRow * kGroup] = any ? std::sqrt(radius2) * kRounded : -INFINITY;
  bounds[kDeviationRow * kGroup] = any ? std::exp(most_log_scale) * kRounded : 0.0f;
}

void prepare_scene(const SceneArrays<const float>& arrays, int64_t splats, int sh_degree, PreparedScene* scene,
                   int threads) {
  scene->splats = splats;
  scene->sh_degree = sh_degree;
  const int64_t groups = scene->groups();
  const int sh_rows = scene->sh_rows();
  float* geometry = scene->geometry.reserve(static_cast<size_t>(groups * kGeometryRows * kGroup));
  float* sh = scene->sh.reserve(static_cast<size_t>(groups * sh_rows * kGroup));
  const size_t bounds = static_cast<size_t>((groups + kGroup - 1) / kGroup * kBoundRows * kGroup);
  std::fill_n(scene->bounds.reserve(bounds), bounds, 0.0f);
  parallel_for((groups + kGroupsAtOnce - 1) / kGroupsAtOnce, threads, [&](int64_t chunk) {
    for (int64_t group = chunk * kGroupsAtOnce; group < groups && group < (chunk + 1) * kGroupsAtOnce; ++group) {
      const int64_t first = group * kGroup;
      const int count = static_cast<int>(splats - first < kGroup ? splats - first : kGroup);
      float* rows = geometry + group * kGeometryRows * kGroup;
      to_rows(arrays.positions + first * 3, 3, count, rows + kPositionRow * kGroup);
      to_rows(arrays.log_scales + first * 3, 3, count, rows + kLogScaleRow * kGroup);
      to_rows(arrays.rotations + first * 4, 4, count, rows + kRotationRow * kGroup);
      to_rows(arrays.opacity_logits + first, 1, count, rows + kOpacityRow * kGroup);
      to_rows(arrays.sh + first * sh_rows, sh_rows, count, sh + group * sh_rows * kGroup);
      pad_group(count, sh_rows, rows, sh + group * sh_rows * kGroup);
      bound_group(scene, group);
    }
  });
}

void read_scene(const PreparedScene& scene, const SceneArrays<float>& arrays, int threads) {
  const int64_t groups = scene.groups();
  const int sh_rows = scene.sh_rows();
  parallel_for((groups + kGroupsAtOnce - 1) / kGroupsAtOnce, threads, [&](int64_t chunk) {
    for (int64_t group = chunk * kGroupsAtOnce; group < groups && group < (chunk + 1) * kGroupsAtOnce; ++group) {
      const int64_t first = group * kGroup;
      const int count = static_cast<int>(scene.splats - first < kGroup ? scene.splats - first : kGroup);
      const float* rows = scene.geometry.data() + group * kGeometryRows * kGroup;
      from_rows(rows + kPositionRow * kGroup, 3, count, arrays.positions + first * 3);
      from_rows(rows + kLogScaleRow * kGroup, 3, count, arrays.log_scales + first * 3);
      from_rows(rows + kRotationRow * kGroup, 4, count, arrays.rotations + first * 4);
      from_rows(rows + kOpacityRow * kGroup, 1, count, arrays.opacity_logits + first);
      from_rows(scene.sh.data() + group * sh_rows * kGroup, sh_rows, count, arrays.sh + first * sh_rows);
    }
  });
}

}  // namespace splatzip
