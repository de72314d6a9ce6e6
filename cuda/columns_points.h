// Points of a chunk of codec COLUMNS (FORMAT.md 7.2, 7.3): their places, neighbours and coordinates. A lane does one.
//
// Ranks are the order of the octree; places are the order of coding: pass 0 holds the multiples of 2^halvings, pass p
// the odd multiples of 2^(halvings - p).
#pragma once
#include "columns_job.h"
#include "decode_octree.h"

namespace splatzip::cuda {

constexpr int kWindow = 16, kDistanceWidth = 12, kNoNeighbours = 32;

// The first place of a pass: as many points as there are before, of ranks that are multiples of twice its step.
SPLZ_ON_WARP int pass_start(const ColumnsParams& params, int n, int pass) {
  if (pass == 0) return 0;
  const int step = 1 << (params.halvings - pass + 1);
  return (n + step - 1) / step;
}
SPLZ_ON_WARP int pass_of_place(const ColumnsParams& params, int n, int place) {
  int pass = params.halvings;
  while (place < pass_start(params, n, pass)) --pass;
  return pass;
}
SPLZ_ON_WARP int rank_of_place(const ColumnsParams& params, int n, int pass, int place) {
  if (pass == 0) return place << params.halvings;
  return (2 * (place - pass_start(params, n, pass)) + 1) << (params.halvings - pass);
}
SPLZ_ON_WARP int place_of_rank(const ColumnsParams& params, int n, int rank) {
  for (int pass = 0; pass < params.halvings; ++pass)
    if (rank % (1 << (params.halvings - pass)) == 0)
      return pass == 0 ? rank >> params.halvings : pass_start(params, n, pass) + (rank >> (params.halvings - pass + 1));
  const int pass = params.halvings;
  return pass == 0 ? rank : pass_start(params, n, pass) + (rank >> 1);
}

SPLZ_ON_WARP void find_near(const ColumnsJob& job, const PointsChunk& chunk, int pass, int place) {
  const ColumnsParams& params = *job.params;
  const int64_t at = chunk.at + place;
  job.planes.distance[at] = kNoNeighbours;
  if (!params.neighbours || pass == 0) return;
  const uint64_t* cells = job.planes.cells + chunk.at;
  const int shift = chunk.octree_levels > kDistanceWidth ? chunk.octree_levels - kDistanceWidth : 0;
  const int step = 2 << (params.halvings - pass), known = (chunk.n + step - 1) / step;
  const int m = place - pass_start(params, chunk.n, pass), rank = m * step + step / 2;
  int32_t own[3], best[kNearPoints] = {INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX};
  for (int a = 0; a < 3; ++a) own[a] = coordinate_of(cells[rank], a) >> shift;
  for (int o = 0; o < 2 * kWindow; ++o) {
    const int index = m - kWindow + 1 + o;
    if (index < 0 || index >= known) continue;
    int32_t square = 0;
    for (int a = 0; a < 3; ++a) {
      const int32_t off = (coordinate_of(cells[index * step], a) >> shift) - own[a];
      square += off * off;
    }
    int32_t key = square * (2 * kWindow) + o;
    for (int32_t& b : best) {
      const int32_t smaller = key < b ? key : b;
      key = key < b ? b : key;
      b = smaller;
    }
  }
  uint16_t nearest = 0;
  for (int k = 0; k < kNearPoints; ++k) {
    const bool is_there = best[k] != INT32_MAX;
    const int index = m - kWindow + 1 + (best[k] & (2 * kWindow - 1));
    const uint16_t found = is_there ? static_cast<uint16_t>(place_of_rank(params, chunk.n, index * step)) : nearest;
    if (k == 0) nearest = found;
    job.planes.near[k][at] = found;
    if (is_there)
      job.planes.distance[at] = static_cast<uint8_t>(bits_of(static_cast<uint32_t>(best[k] / (2 * kWindow))));
  }
}

// --- What numbers become ---

SPLZ_ON_WARP uint32_t mask_of(const ColumnGoal& goal) { return goal.bits == 32 ? 0xFFFFFFFFu : (1u << goal.bits) - 1; }
SPLZ_ON_WARP uint32_t item_at(const ColumnGoal& goal, int64_t row) {
  const int64_t at = row * goal.stride;
  if (goal.item_bytes == 1) return goal.items[at];
  if (goal.item_bytes == 2) return reinterpret_cast<const uint16_t*>(goal.items)[at];
  return reinterpret_cast<const uint32_t*>(goal.items)[at];
}
SPLZ_ON_WARP void set_item(const ColumnGoal& goal, int64_t row, uint32_t item) {
  const int64_t at = row * goal.stride;
  if (goal.item_bytes == 1) goal.items[at] = static_cast<uint8_t>(item);
  if (goal.item_bytes == 2) reinterpret_cast<uint16_t*>(goal.items)[at] = static_cast<uint16_t>(item);
  if (goal.item_bytes == 4) reinterpret_cast<uint32_t*>(goal.items)[at] = item;
}

// A number, but for the low bits that are there, to where it goes; unfolded. False: too many bits.
SPLZ_ON_WARP bool put_number(const ColumnGoal& goal, int64_t row, uint32_t number) {
  if (!goal.items) return true;
  const uint32_t mask = mask_of(goal), sign = mask ^ mask >> 1, item = item_at(goal, row);
  number |= item >> goal.shift & mask;
  const bool fits = (number & ~mask) == 0;
  if (goal.folded) number = number & sign ? number ^ sign : ~number & mask;
  set_item(goal, row, (item & ~(mask << goal.shift)) | (number & mask) << goal.shift);
  return fits;
}

// A number's low bits, which come first and wait where it goes. False: too many bits.
SPLZ_ON_WARP bool put_low_bits(const ColumnGoal& goal, int64_t row, uint32_t low) {
  if (!goal.items) return true;
  const uint32_t mask = mask_of(goal);
  set_item(goal, row, item_at(goal, row) | (low & mask) << goal.shift);
  return (low & ~mask) == 0;
}

// The coordinates of the point of that rank. False: one is too large.
SPLZ_ON_WARP bool put_coordinates(const ColumnsJob& job, const PointsChunk& chunk, int rank) {
  const ColumnsParams& params = *job.params;
  const StreamPlace& low = chunk.streams[kLowStream];
  const uint64_t cell = job.planes.cells[chunk.at + rank], raw_bits = static_cast<uint64_t>(low.raw_bytes) * 8;
  bool fits = true;
  for (int a = 0; a < 3; ++a) {
    const uint64_t first =
        (3 * static_cast<uint64_t>(rank) + static_cast<uint64_t>(a)) * static_cast<uint64_t>(chunk.low_bits);
    uint64_t value = static_cast<uint64_t>(coordinate_of(cell, a)) << chunk.low_bits;
    if (chunk.low_bits) value |= bits_at(low.bytes + low.word_bytes, raw_bits, first, chunk.low_bits);
    value += chunk.origin[a];
    fits = fits && value <= 0xFFFFFFFFu;
    uint32_t number = static_cast<uint32_t>(value);
    if (a == 0 && params.prefix) {
      params.prefix[chunk.row + rank] = number >> params.prefix_shift;
      number &= (1u << params.prefix_shift) - 1;
    }
    fits = put_number(params.coordinates[a], chunk.row + rank, number) && fits;
  }
  return fits;
}

}  // namespace splatzip::cuda
