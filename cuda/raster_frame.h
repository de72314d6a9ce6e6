// What the rasterizer's bodies read and write: a scene by groups, splats in a picture, lists of tiles.
#pragma once
#include "raster.h"
#include "raster_math.h"
#include "splatzip/projection.h"

namespace splatzip::cuda {

constexpr int kGroup = kLanes;  // splats that lie together in a scene: a warp's
// A warp sees tiles as parts of 8 x 4 pixels, a pixel a lane.
constexpr int kPartWidth = 8, kPartHeight = 4, kTileParts = 8;
constexpr float kHalfLog2e = 0.5f * 1.44269504f;

// Rows of a group's geometry, a float a lane each; and what is known of a whole group: a sphere around the centres of
// its splats, and their largest standard deviation.
enum GeometryRow { kPositionRow = 0, kLogScaleRow = 3, kRotationRow = 6, kOpacityRow = 10, kGeometryRows = 11 };
enum BoundRow { kCentreRow = 0, kRadiusRow = 3, kDeviationRow = 4, kBoundRows = 5 };

// SH coefficients are kept as 16-bit floats or as float32 (what is trained or scored). The first one, most of a colour,
// is always float32.
template <class Sh>
struct GroupedScene {
  int64_t splats, groups;
  const float *geometry, *colors;  // (groups, kGeometryRows, kGroup), (groups, 3, kGroup)
  const Sh* sh;                    // (groups, coefficients - 1, 3, kGroup)
  const float* bounds;             // (groups, kBoundRows)
};
SPLZ_WARP float sh_value(float value) { return value; }
SPLZ_WARP float sh_value(uint16_t value) { return from_half(value); }

// A view of a batch as kernels read it.
struct CulledView {
  ProjectionCamera camera;
  FrustumPlanes frustum;
};

// A splat in a picture, as tiles blend it:
//   log2 of the Gaussian = along e^2 + across dy^2,  e = dx - slope dy,  nothing where that is below `cut`
struct Splat {
  float x, y, slope, along, across, opacity, color[3], depth;
};

// In memory: exactly, or in a sector of 32 bytes, opacity and colour as 16-bit floats.
struct alignas(16) FullSplat {
  float x, y, slope, along, across, depth, opacity, color[3], unused[2];
};
struct alignas(16) HalfSplat {
  float x, y, slope, along, across, depth;
  uint16_t opacity, color[3];
};
static_assert(sizeof(FullSplat) == 48 && sizeof(HalfSplat) == 32);

SPLZ_WARP void pack(const Splat& s, FullSplat* out) {
  *out = {s.x, s.y, s.slope, s.along, s.across, s.depth, s.opacity, {s.color[0], s.color[1], s.color[2]}, {0, 0}};
}
SPLZ_WARP void pack(const Splat& s, HalfSplat* out) {
  *out = {s.x,
          s.y,
          s.slope,
          s.along,
          s.across,
          s.depth,
          to_half(s.opacity),
          {to_half(s.color[0]), to_half(s.color[1]), to_half(s.color[2])}};
}
SPLZ_WARP Splat unpack(const FullSplat& s) {
  return {s.x, s.y, s.slope, s.along, s.across, s.opacity, {s.color[0], s.color[1], s.color[2]}, s.depth};
}
SPLZ_WARP Splat unpack(const HalfSplat& s) {
  return {s.x,
          s.y,
          s.slope,
          s.along,
          s.across,
          from_half(s.opacity),
          {from_half(s.color[0]), from_half(s.color[1]), from_half(s.color[2])},
          s.depth};
}

// Where a splat ends: at alpha 1/255, and, unless the extent is exact, at three sigmas.
SPLZ_WARP float cut_of(float opacity, bool exact_extent) {
  float cut = -1.44269504f * logf(opacity * 255.0f);
  if (!exact_extent && cut < -kMostRadius2 * kHalfLog2e) cut = -kMostRadius2 * kHalfLog2e;
  return cut < 0.0f ? cut : 0.0f;
}

// The ellipse of a splat, all of it from what tiles blend.
struct Ellipse {
  float x, y, slope, along, across, cut, reach_x, reach_y, lean;
};
SPLZ_WARP Ellipse ellipse_of(const Splat& s, bool exact_extent) {
  Ellipse e = {s.x, s.y, s.slope, s.along, s.across, cut_of(s.opacity, exact_extent), 0, 0, 0};
  const float high = e.cut / s.across, wide = e.cut / s.along + s.slope * s.slope * high;
  e.reach_y = sqrtf(high);
  e.reach_x = sqrtf(wide);
  e.lean = e.reach_x > 0 ? s.slope * high / e.reach_x : 0.0f;
  return e;
}

// Left and right end of an ellipse over rows of pixels [first, first + count); `left` above `right` where it is not
// there. Pixels decide; what is rounded here must not take one away.
struct PixelSpan {
  float left, right;
};
SPLZ_WARP PixelSpan pixel_span(const Ellipse& e, int first, int count) {
  const float low = static_cast<float>(first) + (0.5f - e.y), high = low + static_cast<float>(count - 1);
  const EllipseSpan<float> span = ellipse_span<ScalarMath>(e, low, high);
  const float reach = e.reach_y * 1.00001f + 0.01f, margin = e.reach_x * 1e-5f + 0.01f;
  if (!((low <= reach) & (high >= -reach))) return {1, 0};
  return {e.x + (span.left - margin), e.x + (span.right + margin)};
}

}  // namespace splatzip::cuda
