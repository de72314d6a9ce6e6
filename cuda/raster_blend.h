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

// Which parts an ellipse may touch: a bit each.
template <int Bands>
SPLZ_WARP uint32_t touched_parts(const Ellipse& e, const BandPlace<Bands>& place) {
  uint32_t parts = 0;
  const float left = static_cast<float>(place.x) + 0.5f;
  for (int row = 0; row < BandPlace<Bands>::kParts / 2; ++row) {
    const PixelSpan span = pixel_span(e, place.y + row * kPartHeight, kPartHeight);
    if (!(span.left <= span.right)) continue;
    for (int column = 0; column < 2; ++column) {
      const float first = left + static_cast<float>(column * kPartWidth), last = first + (kPartWidth - 1);
      if (span.left <= last && span.right >= first) parts |= 1u << (2 * row + column);
    }
  }
  return parts;
}

template <int Bands>
SPLZ_WARP StagedSplat staged(const Splat& s, bool exact_extent, const BandPlace<Bands>& place, uint32_t wanted) {
  const Ellipse e = ellipse_of(s, exact_extent);
  return {s.x,
          s.y,
          s.slope,
          s.along,
          s.across,
          e.cut,
          s.opacity,
          s.depth,
          {s.color[0], s.color[1], s.color[2]},
          touched_parts(e, place) & wanted};
}

// The offset of a pixel from a splat, and log2 of its Gaussian there.
struct Footprint {
  float e, dy, power;
};
SPLZ_WARP Footprint footprint(const StagedSplat& s, float x, float y) {
  const float dy = y - s.y, e = fused(-dy, s.slope, x - s.x);
  return {e, dy, fused(e * e, s.along, dy * dy * s.across)};
}

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
    LanesOf<Warp, Packed> next;
    LanesOf<Warp, bool> is;
    read(warp, start, end, &next);
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
        shared->batch[lane] = staged(unpack(next[lane]), lists.exact_extent, place, open);
        is[lane] = shared->batch[lane].parts != 0;
      });
      const uint32_t touching = warp.ballot(is);
      read(warp, first + kLanes, end, &next);
      warp.each([&](int lane) { blend(touching, first, place, *shared, lane, &state); });
    }
    finish(warp, place, state);
  }

 private:
  // Ahead of their use, so that memory is waited for while a batch is blended.
  template <class Warp>
  SPLZ_WARP void read(const Warp& warp, uint32_t first, uint32_t end, LanesOf<Warp, Packed>* batch) const {
    warp.own([&](int lane) {
      const uint32_t k = first + static_cast<uint32_t>(lane);
      if (k < end) (*batch)[lane] = lists.packed(lists.entries[k]);
    });
  }

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
    const float x = static_cast<float>(place.pixel_x(0, lane)) + 0.5f;
    const float y = static_cast<float>(place.pixel_y(0, lane)) + 0.5f;
    for (; touching; touching &= touching - 1) {
      const int which = lowest_bit(touching);
      const StagedSplat s = shared.batch[which];
      SPLZ_UNROLL
      for (int part = 0; part < kParts; ++part) {
        if (!(s.parts >> part & 1)) continue;
        float& t = state->transmittance[part][lane];
        const Footprint f =
            footprint(s, x + static_cast<float>(part % 2 * kPartWidth), y + static_cast<float>(part / 2 * kPartHeight));
        if (!((f.power >= s.cut) & (t >= kLeastTransmittance))) continue;
        const float weight = at_most(exp2_of(f.power) * s.opacity, kMostAlpha) * t;
        t -= weight;
        for (int c = 0; c < 3; ++c)
          state->color[part][c][lane] = fused(weight, s.color[c], state->color[part][c][lane]);
        if constexpr (WithDepth) state->depth[part][lane] = fused(weight, s.depth, state->depth[part][lane]);
        if constexpr (Keeps) state->last[part][lane] = first + static_cast<uint32_t>(which) + 1;
      }
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
