// Splats to pictures: a group is a warp's. What a group's bounds or its tiles rule out costs a few instructions.
#pragma once
#include "raster_frame.h"
#include "splatzip/spherical_harmonics.h"

namespace splatzip::cuda {

constexpr int kFewRows = 4,
              kFewEntries = 8;  // of tiles: what a lane does by itself; the warp does larger ones together

// Columns of tiles that an ellipse touches in a row of tiles: [first, last], none where last < first.
struct TileSpan {
  int first, last;
};
SPLZ_WARP TileSpan tile_span(const Ellipse& e, int row, int tiles_x) {
  const PixelSpan span = pixel_span(e, row * kTileSize, kTileSize);
  if (!(span.left <= span.right)) return {0, -1};
  const float most = static_cast<float>(tiles_x);
  float first = ceilf((span.left - (kTileSize - 0.5f)) / kTileSize), last = floorf((span.right - 0.5f) / kTileSize);
  first = first > 0 ? at_most(first, most) : 0.0f;
  last = last > -1 ? at_most(last, most - 1) : -1.0f;
  return {static_cast<int>(first), static_cast<int>(last)};
}
// Rows of tiles that its bounding box touches: [first, last].
SPLZ_WARP TileSpan tile_rows(const Ellipse& e, int tiles_y) {
  const float reach = e.reach_y * 1.00001f + 0.02f, most = static_cast<float>(tiles_y);
  float first = ceilf((e.y - reach - (kTileSize - 0.5f)) / kTileSize), last = floorf((e.y + reach - 0.5f) / kTileSize);
  first = first > 0 ? at_most(first, most) : 0.0f;
  last = last > -1 ? at_most(last, most - 1) : -1.0f;
  return {static_cast<int>(first), static_cast<int>(last)};
}

SPLZ_WARP uint32_t tiles_in_row(const Ellipse& e, int row, int tiles_x) {
  const TileSpan span = tile_span(e, row, tiles_x);
  return span.first <= span.last ? static_cast<uint32_t>(span.last - span.first + 1) : 0;
}

SPLZ_WARP float direction_of(const float* offset, float* direction) {
  const float inverse = 1.0f / sqrtf((offset[0] * offset[0] + offset[1] * offset[1]) + offset[2] * offset[2]);
  for (int k = 0; k < 3; ++k) direction[k] = offset[k] * inverse;
  return inverse;
}

SPLZ_WARP SplatShape<float> load_shape(const float* geometry, int64_t group, int lane) {
  const float* rows = geometry + group * kGeometryRows * kGroup + lane;
  SplatShape<float> shape;
  for (int k = 0; k < 3; ++k) shape.position[k] = rows[(kPositionRow + k) * kGroup];
  for (int k = 0; k < 3; ++k) shape.log_scale[k] = rows[(kLogScaleRow + k) * kGroup];
  for (int k = 0; k < 4; ++k) shape.rotation[k] = rows[(kRotationRow + k) * kGroup];
  shape.opacity_logit = rows[kOpacityRow * kGroup];
  return shape;
}

template <int Degree, class Sh>
SPLZ_WARP void color_of(const GroupedScene<Sh>& scene, int64_t group, int lane, const float* offset, float* color) {
  constexpr int kCoefficients = sh_coefficients(Degree);
  float direction[3], basis[kCoefficients];
  direction_of(offset, direction);
  sh_basis<Degree>(direction[0], direction[1], direction[2], basis);
  for (int c = 0; c < 3; ++c) color[c] = 0.5f + basis[0] * scene.colors[(group * 3 + c) * kGroup + lane];
  const Sh* sh = scene.sh + group * (kCoefficients - 1) * 3 * kGroup + lane;
  SPLZ_UNROLL
  for (int k = 1; k < kCoefficients; ++k)
    for (int c = 0; c < 3; ++c) color[c] = fused(basis[k], sh_value(sh[(3 * (k - 1) + c) * kGroup]), color[c]);
  for (int c = 0; c < 3; ++c) color[c] = color[c] > 0.0f ? color[c] : 0.0f;
}

// A group in a view: index = view x groups + group. A splat that is seen on some tile goes to its own place,
// index x kGroup + lane.
template <int Degree, class Sh, class Packed>
struct ProjectGroup {
  struct Shared {
    Ellipse ellipses[kLanes];
  };
  GroupedScene<Sh> scene;
  const CulledView* views;
  int tiles_x, tiles_y;
  Packed* splats;
  uint32_t *depths, *tiles;                   // by splat: bits of its depth, which sort as integers do; its entries
  uint32_t *seen, *seen_count, *entry_count;  // by group of a view: a bit a splat, how many, entries of them all

  template <class Warp>
  SPLZ_WARP void run(const Warp& warp, int64_t index, Shared* shared) const {
    const int64_t group = index % scene.groups;
    const CulledView& view = views[index / scene.groups];
    const float* bounds = scene.bounds + group * kBoundRows;
    if (outside_frustum(view.camera, view.frustum, bounds, bounds[kRadiusRow], bounds[kDeviationRow])) {
      warp.each([&](int lane) {
        if (lane == 0) seen[index] = seen_count[index] = entry_count[index] = 0;
      });
      return;
    }
    LanesOf<Warp, float> offset[3];
    LanesOf<Warp, Splat> found;
    LanesOf<Warp, int> first_row, last_row;
    LanesOf<Warp, uint32_t> count;
    LanesOf<Warp, bool> large, on_tiles;
    warp.each([&](int lane) {
      const Projection<float> p = project<ScalarMath>(view.camera, load_shape(scene.geometry, group, lane));
      for (int k = 0; k < 3; ++k) offset[k][lane] = p.offset[k];
      Splat s = {p.x, p.y, p.slope, -kHalfLog2e * p.along, -kHalfLog2e * p.across, p.opacity, {0, 0, 0}, p.view[2]};
      Packed packed;
      pack(s, &packed);
      found[lane] = s;
      count[lane] = 0;
      large[lane] = false, first_row[lane] = last_row[lane] = 0;
      if (!is_seen(view.camera, p)) return;
      const Ellipse e = ellipse_of(unpack(packed), view.camera.exact_extent);
      const TileSpan rows = tile_rows(e, tiles_y);
      if (rows.last - rows.first >= kFewRows) {
        first_row[lane] = rows.first, last_row[lane] = rows.last;
        shared->ellipses[lane] = e;
        large[lane] = true;
      } else {
        for (int row = rows.first; row <= rows.last; ++row) count[lane] += tiles_in_row(e, row, tiles_x);
      }
    });
    for (uint32_t todo = warp.ballot(large); todo; todo &= todo - 1) {
      const int which = lowest_bit(todo);
      const int first = warp.of_lane(first_row, which), last = warp.of_lane(last_row, which);
      LanesOf<Warp, uint32_t> part;
      warp.each([&](int lane) {
        part[lane] = 0;
        for (int row = first + lane; row <= last; row += kLanes)
          part[lane] += tiles_in_row(shared->ellipses[which], row, tiles_x);
      });
      uint32_t total;
      warp.sums_before(part, &total);
      warp.own([&](int lane) {
        if (lane == which) count[lane] = total;
      });
    }
    uint32_t entries;
    warp.sums_before(count, &entries);
    warp.own([&](int lane) { on_tiles[lane] = count[lane] > 0; });
    const uint32_t mask = warp.ballot(on_tiles);
    warp.each([&](int lane) {
      if (lane == 0) {
        seen[index] = mask;
        seen_count[index] = static_cast<uint32_t>(count_bits(mask));
        entry_count[index] = entries;
      }
      if (!count[lane]) return;
      const int64_t at = index * kGroup + lane;
      Splat s = found[lane];
      const float from_camera[3] = {offset[0][lane], offset[1][lane], offset[2][lane]};
      color_of<Degree>(scene, group, lane, from_camera, s.color);
      pack(s, splats + at);
      std::memcpy(depths + at, &s.depth, 4);
      tiles[at] = count[lane];
    });
  }
};

}  // namespace splatzip::cuda
