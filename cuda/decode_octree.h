// The cells of a chunk by one warp, level by level (FORMAT.md 5.1): native/src/octree.h for 32 nodes at once.
// Both codecs' jobs and chunks have what it reads: a chunk's n, at, octree_levels, earlier, streams; a job's planes.
#pragma once
#include "decode_rans.h"

namespace splatzip::cuda {

// Every third bit of a cell, from bit `axis` on.
SPLZ_ON_WARP int32_t coordinate_of(uint64_t cell, int axis) {
  uint64_t x = cell >> axis & 0x1249249249249249ull;
  x = (x | x >> 2) & 0x10C30C30C30C30C3ull;
  x = (x | x >> 4) & 0x100F00F00F00F00Full;
  x = (x | x >> 8) & 0x1F0000FF0000FFull;
  x = (x | x >> 16) & 0x1F00000000FFFFull;
  x = (x | x >> 32) & 0x1FFFFF;
  return static_cast<int32_t>(x);
}

// Bit c of the occupancy moved to bit c ^ octant ^ 7. Its own inverse.
SPLZ_ON_WARP uint32_t mirrored(uint32_t occupancy, uint32_t octant) {
  const uint32_t moved = octant ^ 7;
  if (moved & 1) occupancy = (occupancy & 0x55) << 1 | (occupancy >> 1 & 0x55);
  if (moved & 2) occupancy = (occupancy & 0x33) << 2 | (occupancy >> 2 & 0x33);
  if (moved & 4) occupancy = (occupancy & 0x0F) << 4 | occupancy >> 4;
  return occupancy;
}

// Whether a cell of an earlier tier of the tile lies in the node.
template <class Job>
SPLZ_ON_WARP bool seen_before(const Job& job, int32_t earlier, uint64_t node, int shift) {
  for (; earlier >= 0; earlier = job.chunks[earlier].earlier) {
    const auto& chunk = job.chunks[earlier];
    const uint64_t* cells = job.planes.cells + chunk.at;
    int low = 0, high = chunk.n;  // the first cell that is not before the node
    while (low < high) {
      const int middle = (low + high) >> 1;
      if (cells[middle] >> shift < node) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    if (low < chunk.n && cells[low] >> shift == node) return true;
  }
  return false;
}

constexpr int32_t kRareNode = -1;  // its symbol stands in the second plane of a sparse level

// The occupancies of `nodes` nodes, less one, mirrored. False: the stream ends too early.
template <class Warp, class Job, class Chunk>
SPLZ_ON_WARP bool decode_level(const Warp& warp, const Job& job, const Chunk& chunk, Stream<Warp>& stream, int level,
                               int nodes) {
  const auto& planes = job.planes;
  const uint64_t* node = planes.nodes[level & 1] + chunk.at;
  const uint8_t* parent = planes.parents[level & 1] + chunk.at;
  uint8_t* contexts = planes.node_contexts + chunk.at;
  int32_t *symbols = planes.node_symbols + chunk.at, *rare = planes.rare + chunk.at;
  const int shift = 3 * (chunk.octree_levels - level);
  const bool sparse = 9 * nodes >= 8 * chunk.n;
  const uint32_t crowd = sparse ? 0 : 2 * nodes > chunk.n ? 1 : 2;
  const auto context_of = [&](int k) {
    const uint32_t octant = static_cast<uint32_t>(node[k] & 7), occupancy = parent[k];
    const uint32_t siblings =
        (occupancy >> (octant ^ 1) & 1) | (occupancy >> (octant ^ 2) & 1) << 1 | (occupancy >> (octant ^ 4) & 1) << 2;
    const uint32_t context = siblings | crowd << 3 | (seen_before(job, chunk.earlier, node[k], shift) ? 32u : 0u);
    contexts[k] = static_cast<uint8_t>(context);
    return context;
  };
  decode_plane(warp, stream, nodes, context_of, [&](int k, uint32_t value) {
    symbols[k] = !sparse ? static_cast<int32_t>(value & 255) : value < 8 ? (1 << value) - 1 : kRareNode;
  });
  if (!sparse || !stream.ok) return stream.ok;
  int several = 0;
  for (int first = 0; first < nodes; first += kLanes) {
    typename Warp::template Lanes<bool> is_rare;
    warp.each([&](int lane) { is_rare[lane] = first + lane < nodes && symbols[first + lane] == kRareNode; });
    const uint32_t mask = warp.ballot(is_rare);
    warp.each([&](int lane) {
      if (is_rare[lane]) rare[several + count_bits(mask & ((1u << lane) - 1))] = first + lane;
    });
    several += count_bits(mask);
  }
  decode_plane(
      warp, stream, several, [&](int i) { return contexts[rare[i]] | 3u << 3; },
      [&](int i, uint32_t value) { symbols[rare[i]] = static_cast<int32_t>(value & 255); });
  return stream.ok;
}

// The nodes of the next level; how many they are, or -1 if that is none of a node's or more than n.
template <class Warp, class Job, class Chunk>
SPLZ_ON_WARP int grow_level(const Warp& warp, const Job& job, const Chunk& chunk, int level, int nodes) {
  const auto& planes = job.planes;
  const uint64_t* node = planes.nodes[level & 1] + chunk.at;
  const int32_t* symbols = planes.node_symbols + chunk.at;
  uint64_t* next = planes.nodes[(level + 1) & 1] + chunk.at;
  uint8_t* parent = planes.parents[(level + 1) & 1] + chunk.at;
  int children = 0;
  for (int first = 0; first < nodes; first += kLanes) {
    typename Warp::template Lanes<uint32_t> occupancy, count;
    typename Warp::template Lanes<bool> empty;
    warp.each([&](int lane) {
      const bool is_there = first + lane < nodes;
      occupancy[lane] = 0;
      if (is_there)
        occupancy[lane] = mirrored((static_cast<uint32_t>(symbols[first + lane]) + 1) & 255,
                                   static_cast<uint32_t>(node[first + lane] & 7));
      count[lane] = static_cast<uint32_t>(count_bits(occupancy[lane]));
      empty[lane] = is_there && count[lane] == 0;
    });
    uint32_t total = 0;
    const auto before = warp.sums_before(count, &total);
    if (warp.ballot(empty) != 0 || children + static_cast<int>(total) > chunk.n) return -1;
    warp.each([&](int lane) {
      int at = children + static_cast<int>(before[lane]);
      for (uint32_t c = 0; c < 8; ++c) {
        if (!(occupancy[lane] >> c & 1)) continue;
        next[at] = node[first + lane] << 3 | c;
        parent[at++] = static_cast<uint8_t>(occupancy[lane]);
      }
    });
    children += static_cast<int>(total);
  }
  return children;
}

// Each leaf as often as it has splats. False: those are not n.
template <class Warp, class Job, class Chunk>
SPLZ_ON_WARP bool fill_cells(const Warp& warp, const Job& job, const Chunk& chunk, Stream<Warp>& stream, int leaves) {
  const uint64_t* node = job.planes.nodes[chunk.octree_levels & 1] + chunk.at;
  const uint8_t* parent = job.planes.parents[chunk.octree_levels & 1] + chunk.at;
  int32_t* counts = job.planes.node_symbols + chunk.at;  // less one
  uint64_t* cells = job.planes.cells + chunk.at;
  decode_plane(
      warp, stream, leaves,
      [&](int k) {
        const uint32_t siblings = static_cast<uint32_t>(count_bits(parent[k]));
        return siblings < 4 ? siblings : 4u;
      },
      [&](int k, uint32_t value) { counts[k] = static_cast<int32_t>(value); });
  if (!stream.ok) return false;
  int filled = 0;
  for (int first = 0; first < leaves; first += kLanes) {
    typename Warp::template Lanes<uint32_t> count;
    typename Warp::template Lanes<bool> too_many;
    warp.each([&](int lane) {
      const bool is_there = first + lane < leaves;
      too_many[lane] = is_there && counts[first + lane] >= chunk.n;
      count[lane] = is_there && !too_many[lane] ? static_cast<uint32_t>(counts[first + lane]) + 1 : 0;
    });
    uint32_t total = 0;
    const auto before = warp.sums_before(count, &total);
    if (warp.ballot(too_many) != 0 || total > static_cast<uint32_t>(chunk.n - filled)) return false;
    warp.each([&](int lane) {
      for (uint32_t s = 0; s < count[lane]; ++s)
        cells[static_cast<uint32_t>(filled) + before[lane] + s] = node[first + lane];
    });
    filled += static_cast<int>(total);
  }
  return filled == chunk.n;
}

template <class Warp, class Job, class Chunk>
SPLZ_ON_WARP bool decode_cells(const Warp& warp, const Job& job, const Chunk& chunk) {
  Stream<Warp> occupancies = open_stream(warp, job, chunk.streams[1]);
  Stream<Warp> counts = open_stream(warp, job, chunk.streams[2]);
  if (chunk.earlier >= 0 && job.corrupt[chunk.earlier]) return false;
  warp.each([&](int lane) {
    if (lane > 0) return;
    job.planes.nodes[0][chunk.at] = 0;
    job.planes.parents[0][chunk.at] = 0;
  });
  int nodes = 1;
  for (int level = 0; level < chunk.octree_levels; ++level) {
    if (!decode_level(warp, job, chunk, occupancies, level, nodes)) return false;
    nodes = grow_level(warp, job, chunk, level, nodes);
    if (nodes < 0) return false;
  }
  return fill_cells(warp, job, chunk, counts, nodes) && close_stream(warp, occupancies) && close_stream(warp, counts);
}

}  // namespace splatzip::cuda
