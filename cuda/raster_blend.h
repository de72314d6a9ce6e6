// Blending tiles front to back. A warp has a tile, or `Bands` warps share it, a band of rows each: no barriers, and a
// warp stops as soon as its own pixels are done. It reads 32 entries at once, a lane each, and finds the parts of 8 x 4
// pixels that their ellipses touch; then all lanes blend them, a pixel each, part by part. What touches no part of a
// warp, and parts whose pixels let nothing through any more, cost nothing but that look.
#pragma once
#include "raster.h"
#include "raster_project.h"

namespace splatzip::cuda {

// A batch of entries, as all lanes read it.
struct alignas(16) StagedSplat {
  float x, y, slope, along;
  float across, cut, opacity, depth;
  float color[3];
  uint32_t parts;  // of this warp that it may touch
};

// The tiles of a batch of views, `tiles` of each.
template <class Packed>
struct TileLists {
  const Packed* splats;
  const uint32_t *start, *entries, *owner;  // owner: or null, see EmitEntries
  int width, height, tiles_x, tiles;
  bool exact_extent;
  float background[3];

  SPLZ_WARP Packed packed(uint32_t entry) const { return splats[owner ? owner[entry] : entry]; }
};

// Where a warp looks.
template <int Bands>
struct BandPlace {
  static constexpr int kParts = kTileParts / Bands;
  int64_t tile, view;  // tile: of the batch
  int x, y;            // of its first pixel

  template <class Packed>
  SPLZ_WARP BandPlace(const TileLists<Packed>& lists, int64_t index) {
    tile = index / Bands;
    view = tile / lists.tiles;
    const int of_view = static_cast<int>(tile % lists.tiles), band = static_cast<int>(index % Bands);
    x = of_view % lists.tiles_x * kTileSize;
    y = of_view / lists.tiles_x * kTileSize + band * (kTileSize / Bands);
  }
  SPLZ_WARP int pixel_x(int part, int lane) const { return x + part % 2 * kPartWidth + lane % kPartWidth; }
  SPLZ_WARP int pixel_y(int part, int lane) const { return y + part / 2 * kPartHeight + lane / kPartWidth; }
  // Where a pixel is in the pictures of a batch, or -1.
  template <class Packed>
  SPLZ_WARP int64_t pixel(const TileLists<Packed>& lists, int part, int lane) const {
    const int column = pixel_x(part, lane), row = pixel_y(part, lane);
    return column < lists.width && row < lists.height ? (view * lists.height + row) * lists.width + column : -1;
  }
};

// Which parts an ellipse may touch: a bit each. As pixel_span finds it for tiles, but every warp of a tile asks this of
// every entry: a third of the instructions, and a margin for what they miss by. The same rows of pixels get the same
// answer from any number of bands.
template <int Bands>
SPLZ_WARP uint32_t touched_parts(const StagedSplat& s, const BandPlace<Bands>& place) {
  const float over_along = inverse_of(s.along), high = s.cut * inverse_of(s.across);
  const float reach_x = root_of(fused(s.slope * s.slope, high, s.cut * over_along));
  const float lean = reach_x > 0 ? s.slope * high * inverse_of(reach_x) : 0.0f;
  const float reach = fused(root_of(high), 1.00002f, 0.02f), margin = fused(reach_x, 2e-5f, 0.02f);
  const float first_x = static_cast<float>(place.x) + (0.5f - s.x);
  uint32_t parts = 0;
  SPLZ_UNROLL
  for (int row = 0; row < BandPlace<Bands>::kParts / 2; ++row) {
    const float low = static_cast<float>(place.y + row * kPartHeight) + (0.5f - s.y), most = low + (kPartHeight - 1);
    const float right = fminf(fmaxf(lean, low), most), left = fminf(fmaxf(-lean, low), most);
    const float right_room = fmaxf((s.cut - right * right * s.across) * over_along, 0.0f);
    const float left_room = fmaxf((s.cut - left * left * s.across) * over_along, 0.0f);
    const float last_x = fused(right, s.slope, root_of(right_room)) + margin;
    const float least_x = fused(left, s.slope, -root_of(left_room)) - margin;
    const bool there = (low <= reach) & (most >= -reach);
    SPLZ_UNROLL
    for (int column = 0; column < 2; ++column) {
      const float first = first_x + static_cast<float>(column * kPartWidth);
      if (there & (least_x <= first + (kPartWidth - 1)) & (last_x >= first)) parts |= 1u << (2 * row + column);
    }
  }
  return parts;
}

// log2 of the Gaussian where a splat ends, as cut_of.
SPLZ_WARP float quick_cut(float opacity, bool exact_extent) {
  const float most = exact_extent ? -INFINITY : -kMostRadius2 * kHalfLog2e;
  return fminf(fmaxf(-log2_of(opacity * 255.0f), most), 0.0f);
}

template <int Bands>
SPLZ_WARP StagedSplat staged(const Splat& s, bool exact_extent, const BandPlace<Bands>& place, uint32_t wanted) {
  StagedSplat out = {s.x,       s.y,      s.slope,
                     s.along,   s.across, quick_cut(s.opacity, exact_extent),
                     s.opacity, s.depth,  {s.color[0], s.color[1], s.color[2]},
                     0};
  out.parts = touched_parts(out, place) & wanted;
  return out;
}

// The offset of a pixel from a splat, and log2 of its Gaussian there.
struct Footprint {
  float e, dy, power;
};
// body(part, footprint) of a lane's pixel in each part that a splat may touch.
template <int Bands, class Body>
SPLZ_WARP void each_part(const StagedSplat& s, const BandPlace<Bands>& place, int lane, const Body& body) {
  const float x = static_cast<float>(place.pixel_x(0, lane)) + 0.5f;
  const float y = static_cast<float>(place.pixel_y(0, lane)) + 0.5f;
  SPLZ_UNROLL
  for (int row = 0; row < BandPlace<Bands>::kParts / 2; ++row) {
    if (BandPlace<Bands>::kParts > 2 && !(s.parts >> 2 * row & 3)) continue;
    const float dy = (row ? y + static_cast<float>(row * kPartHeight) : y) - s.y, lift = dy * dy * s.across;
    SPLZ_UNROLL
    for (int column = 0; column < 2; ++column) {
      if (!(s.parts >> (2 * row + column) & 1)) continue;
      const float e = fused(-dy, s.slope, (column ? x + kPartWidth : x) - s.x);
      body(2 * row + column, Footprint{e, dy, fused(e * e, s.along, lift)});
    }
  }
}

// Entries ahead of their use, a lane each, so that memory is waited for while others are blended.
template <class Warp, class Packed>
struct NextEntries {
  LanesOf<Warp, uint32_t> entry;
  LanesOf<Warp, Packed> splat;

  SPLZ_WARP void read(const Warp& warp, const TileLists<Packed>& lists, uint32_t first, uint32_t end) {
    warp.own([&](int lane) {
      const uint32_t k = first + static_cast<uint32_t>(lane);
      if (k >= end) return;
      entry[lane] = lists.entries[k];
      splat[lane] = lists.packed(entry[lane]);
    });
  }
};

template <int Bands, bool Keeps, bool WithDepth, class Packed>
struct BlendBand {
  static constexpr int kParts = BandPlace<Bands>::kParts;
  struct Shared {
    StagedSplat batch[kLanes];
  };
  TileLists<Packed> lists;
  BatchPictures pictures;

  template <class Warp>
  struct State {
    LanesOf<Warp, float> transmittance[kParts], color[kParts][3], depth[WithDepth ? kParts : 1];
    LanesOf<Warp, uint32_t> last[Keeps ? kParts : 1];
  };

  template <class Warp>
  SPLZ_WARP void run(const Warp& warp, int64_t index, Shared* shared) const {
    const BandPlace<Bands> place(lists, index);
    const uint32_t start = lists.start[place.tile], end = lists.start[place.tile + 1];
    State<Warp> state;
    begin(warp, place, start, &state);
    NextEntries<Warp, Packed> next;
    LanesOf<Warp, bool> is;
    next.read(warp, lists, start, end);
    for (uint32_t first = start; first < end; first += kLanes) {
      uint32_t open = 0;
      SPLZ_UNROLL
      for (int part = 0; part < kParts; ++part) {
        warp.own([&](int lane) { is[lane] = state.transmittance[part][lane] >= kLeastTransmittance; });
        open |= warp.ballot(is) ? 1u << part : 0;
      }
      if (!open) break;
      warp.each([&](int lane) {
        is[lane] = false;
        if (first + static_cast<uint32_t>(lane) >= end) return;
        shared->batch[lane] = staged(unpack(next.splat[lane]), lists.exact_extent, place, open);
        is[lane] = shared->batch[lane].parts != 0;
      });
      const uint32_t touching = warp.ballot(is);
      next.read(warp, lists, first + kLanes, end);
      warp.each([&](int lane) { blend(touching, first, place, *shared, lane, &state); });
    }
    finish(warp, place, state);
  }

 private:
  template <class Warp>
  SPLZ_WARP void begin(const Warp& warp, const BandPlace<Bands>& place, uint32_t start, State<Warp>* state) const {
    warp.own([&](int lane) {
      SPLZ_UNROLL
      for (int part = 0; part < kParts; ++part) {
        state->transmittance[part][lane] = place.pixel(lists, part, lane) >= 0 ? 1.0f : 0.0f;
        for (int c = 0; c < 3; ++c) state->color[part][c][lane] = 0;
        if constexpr (WithDepth) state->depth[part][lane] = 0;
        if constexpr (Keeps) state->last[part][lane] = start;
      }
    });
  }

  // All of a batch in one pixel a part.
  template <class Warp>
  SPLZ_WARP void blend(uint32_t touching, uint32_t first, const BandPlace<Bands>& place, const Shared& shared, int lane,
                       State<Warp>* state) const {
    for (; touching; touching &= touching - 1) {
      const int which = lowest_bit(touching);
      const StagedSplat s = shared.batch[which];
      each_part(s, place, lane, [&](int part, const Footprint& f) {
        float& t = state->transmittance[part][lane];
        if (!((f.power >= s.cut) & (t >= kLeastTransmittance))) return;
        const float weight = at_most(exp2_of(f.power) * s.opacity, kMostAlpha) * t;
        t -= weight;
        for (int c = 0; c < 3; ++c)
          state->color[part][c][lane] = fused(weight, s.color[c], state->color[part][c][lane]);
        if constexpr (WithDepth) state->depth[part][lane] = fused(weight, s.depth, state->depth[part][lane]);
        if constexpr (Keeps) state->last[part][lane] = first + static_cast<uint32_t>(which) + 1;
      });
    }
  }

  template <class Warp>
  SPLZ_WARP void finish(const Warp& warp, const BandPlace<Bands>& place, const State<Warp>& state) const {
    warp.each([&](int lane) {
      SPLZ_UNROLL
      for (int part = 0; part < kParts; ++part) {
        const int64_t at = place.pixel(lists, part, lane);
        if (at < 0) continue;
        const float rest = state.transmittance[part][lane], alpha = 1.0f - rest;
        for (int c = 0; c < 3; ++c)
          pictures.color[3 * at + c] = fused(rest, lists.background[c], state.color[part][c][lane]);
        if (pictures.alpha) pictures.alpha[at] = alpha;
        if constexpr (WithDepth) pictures.depth[at] = alpha > 0 ? state.depth[part][lane] / alpha : 0.0f;
        if constexpr (Keeps) {
          pictures.transmittance[at] = rest;
          pictures.last_entry[at] = state.last[part][lane];
        }
      }
    });
  }
};

}  // namespace splatzip::cuda
