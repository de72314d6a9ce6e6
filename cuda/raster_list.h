// Splats to lists of tiles. They are sorted by depth first, each of them once, and give their entries in that order:
// then entries need no more than a stable sort by tile, two passes of 8 bits at 1920 x 1080, where gsplat sorts 64-bit
// keys of tile and depth in six.
#pragma once
#include "raster_project.h"

namespace splatzip::cuda {

// How many entries there are, too many for 32 bits or not: sums of kSumsAtOnce numbers a warp.
constexpr int kSumsAtOnce = 1024;
struct SumEntries {
  struct Shared {
    uint64_t parts[kLanes];
  };
  const uint32_t* counts;
  int64_t size;
  uint64_t* sums;

  template <class Warp>
  SPLZ_WARP void run(const Warp& warp, int64_t index, Shared* shared) const {
    const int64_t first = index * kSumsAtOnce, last = first + kSumsAtOnce < size ? first + kSumsAtOnce : size;
    warp.each([&](int lane) {
      uint64_t sum = 0;
      for (int64_t i = first + lane; i < last; i += kLanes) sum += counts[i];
      shared->parts[lane] = sum;
    });
    warp.each([&](int lane) {
      if (lane) return;
      uint64_t sum = 0;
      for (int l = 0; l < kLanes; ++l) sum += shared->parts[l];
      sums[index] = sum;
    });
  }
};

// Those that are seen, without gaps: depth and place.
struct GatherSeen {
  struct Shared {};
  const uint32_t *seen, *first, *depths;
  uint32_t *keys, *order;

  template <class Warp>
  SPLZ_WARP void run(const Warp& warp, int64_t index, Shared*) const {
    const uint32_t mask = seen[index], to = first[index];
    if (!mask) return;
    warp.each([&](int lane) {
      if (!(mask >> lane & 1)) return;
      const uint32_t place = to + static_cast<uint32_t>(count_bits(mask & ((1u << lane) - 1)));
      const uint32_t splat = static_cast<uint32_t>(index * kGroup + lane);
      keys[place] = depths[splat];
      order[place] = splat;
    });
  }
};

// Entries of the splats in their order, and 0 behind the last: summed up, they say where each begins.
struct OrderCounts {
  struct Shared {};
  const uint32_t *order, *tiles;
  int64_t seen;
  uint32_t* counts;  // (seen + 1)

  template <class Warp>
  SPLZ_WARP void run(const Warp& warp, int64_t index, Shared*) const {
    warp.each([&](int lane) {
      const int64_t i = index * kLanes + lane;
      if (i <= seen) counts[i] = i < seen ? tiles[order[i]] : 0;
    });
  }
};

// Entries in the order of splats, those of one by rows of tiles: the tile to sort by, and what is sorted. That is the
// splat itself, or, where sums come back to it, the entry's own number, whose splat `owner` has.
template <class Key, class Packed>
struct EmitEntries {
  struct Shared {
    Ellipse ellipses[kLanes];
    uint32_t before[kLanes];
    int column[kLanes];
  };
  const Packed* splats;
  const uint32_t *order, *first_entry;
  int64_t seen;
  const CulledView* views;
  int64_t splats_of_view;
  int tiles_x, tiles_y;
  Key* keys;
  uint32_t *values, *owner;  // owner: or null

  SPLZ_WARP void write(uint32_t at, uint32_t tile, uint32_t splat) const {
    keys[at] = static_cast<Key>(tile);
    values[at] = owner ? at : splat;
    if (owner) owner[at] = splat;
  }

  template <class Warp>
  SPLZ_WARP void run(const Warp& warp, int64_t index, Shared* shared) const {
    LanesOf<Warp, uint32_t> splat, first, first_tile;
    LanesOf<Warp, int> first_row, last_row;
    LanesOf<Warp, bool> large;
    warp.each([&](int lane) {
      large[lane] = false, splat[lane] = first[lane] = first_tile[lane] = 0, first_row[lane] = last_row[lane] = 0;
      const int64_t i = index * kLanes + lane;
      if (i >= seen) return;
      splat[lane] = order[i];
      first[lane] = first_entry[i];
      const uint32_t end = first_entry[i + 1], view = static_cast<uint32_t>(splat[lane] / splats_of_view);
      first_tile[lane] = view * static_cast<uint32_t>(tiles_x * tiles_y);
      const Ellipse e = ellipse_of(unpack(splats[splat[lane]]), views[view].camera.exact_extent);
      const TileSpan rows = tile_rows(e, tiles_y);
      if (end - first[lane] > kFewEntries || rows.last - rows.first >= kFewRows) {
        first_row[lane] = rows.first, last_row[lane] = rows.last;
        shared->ellipses[lane] = e;
        large[lane] = true;
        return;
      }
      uint32_t at = first[lane];
      for (int row = rows.first; row <= rows.last; ++row) {
        const TileSpan span = tile_span(e, row, tiles_x);
        for (int column = span.first; column <= span.last && at < end; ++column)
          write(at++, first_tile[lane] + static_cast<uint32_t>(row * tiles_x + column), splat[lane]);
      }
    });
    for (uint32_t todo = warp.ballot(large); todo; todo &= todo - 1) {
      const int which = lowest_bit(todo);
      emit_large(warp, warp.of_lane(splat, which), warp.of_lane(first, which), warp.of_lane(first_tile, which),
                 warp.of_lane(first_row, which), warp.of_lane(last_row, which), shared->ellipses[which], shared);
    }
  }

 private:
  // A lane a row of tiles, then a lane an entry.
  template <class Warp>
  SPLZ_WARP void emit_large(const Warp& warp, uint32_t splat, uint32_t at, uint32_t first_tile, int first_row,
                            int last_row, const Ellipse& ellipse, Shared* shared) const {
    for (int row = first_row; row <= last_row; row += kLanes) {
      LanesOf<Warp, uint32_t> width;
      warp.each([&](int lane) {
        const TileSpan span = row + lane <= last_row ? tile_span(ellipse, row + lane, tiles_x) : TileSpan{0, -1};
        shared->column[lane] = span.first;
        width[lane] = span.first <= span.last ? static_cast<uint32_t>(span.last - span.first + 1) : 0;
      });
      uint32_t total;
      const LanesOf<Warp, uint32_t> before = warp.sums_before(width, &total);
      warp.each([&](int lane) { shared->before[lane] = before[lane]; });
      warp.each([&](int lane) {
        for (uint32_t e = static_cast<uint32_t>(lane); e < total; e += kLanes) {
          int of_row = 0;  // the last row that begins at e or before
          for (int step = kLanes / 2; step; step /= 2)
            if (shared->before[of_row + step] <= e) of_row += step;
          const int column = shared->column[of_row] + static_cast<int>(e - shared->before[of_row]);
          write(at + e, first_tile + static_cast<uint32_t>((row + of_row) * tiles_x + column), splat);
        }
      });
      at += total;
    }
  }
};

// Where the entries of each tile begin, from the sorted keys: start[t] to start[t + 1].
template <class Key>
struct TileStarts {
  struct Shared {};
  const Key* keys;
  int64_t entries;
  int64_t tiles;
  uint32_t* start;  // (tiles + 1)

  template <class Warp>
  SPLZ_WARP void run(const Warp& warp, int64_t index, Shared*) const {
    warp.each([&](int lane) {
      const int64_t k = index * kLanes + lane;
      if (k > entries) return;
      const int64_t before = k > 0 ? int64_t{keys[k - 1]} : -1, tile = k < entries ? int64_t{keys[k]} : tiles;
      for (int64_t t = before + 1; t <= tile; ++t) start[t] = static_cast<uint32_t>(k);
    });
  }
};

}  // namespace splatzip::cuda
