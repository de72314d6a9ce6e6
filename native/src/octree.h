// Octree of one chunk: its splats' cells, breadth first, with contexts from the tree above (FORMAT.md 5.1).
//
// A template over StreamReader and StreamWriter: `cells` is filled when reading and taken (sorted) when writing.
// Cells are Morton codes of `depth` levels, x the lowest bit of each triple; a splat's rank in the sorted list is
// its row in the chunk.
#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "bits.h"

namespace splatzip {

constexpr int kMaxOctreeDepth = 21;

inline uint64_t spread3(uint32_t v) {  // bit i of v -> bit 3 i
  uint64_t x = v & 0x1FFFFF;
  x = (x | x << 32) & 0x1F00000000FFFFull;
  x = (x | x << 16) & 0x1F0000FF0000FFull;
  x = (x | x << 8) & 0x100F00F00F00F00Full;
  x = (x | x << 4) & 0x10C30C30C30C30C3ull;
  x = (x | x << 2) & 0x1249249249249249ull;
  return x;
}

inline uint32_t gather3(uint64_t x) {
  x &= 0x1249249249249249ull;
  x = (x | x >> 2) & 0x10C30C30C30C30C3ull;
  x = (x | x >> 4) & 0x100F00F00F00F00Full;
  x = (x | x >> 8) & 0x1F0000FF0000FFull;
  x = (x | x >> 16) & 0x1F00000000FFFFull;
  x = (x | x >> 32) & 0x1FFFFF;
  return static_cast<uint32_t>(x);
}

inline uint64_t morton(uint32_t x, uint32_t y, uint32_t z) { return spread3(x) | spread3(y) << 1 | spread3(z) << 2; }

// mirrored[o][occupancy]: bit c of the occupancy moved to bit c ^ o ^ 7, so that the children that touch the
// node's siblings always stand in the same places. Its own inverse.
struct MirrorTable {
  std::array<std::array<uint8_t, 256>, 8> mirrored{};
  constexpr MirrorTable() {
    for (int o = 0; o < 8; ++o)
      for (int m = 0; m < 256; ++m)
        for (int c = 0; c < 8; ++c)
          if (m >> c & 1) mirrored[o][m] = static_cast<uint8_t>(mirrored[o][m] | 1 << (c ^ o ^ 7));
  }
};
inline constexpr MirrorTable kMirror;

struct ChildCounts {
  std::array<uint8_t, 256> of{};
  constexpr ChildCounts() {
    for (size_t m = 1; m < 256; ++m) of[m] = static_cast<uint8_t>(of[m / 2] + m % 2);
  }
};
inline constexpr ChildCounts kChildCounts;

// How full a level is: most nodes hold one point (kSparse), or n points on so many nodes are fewer than two a node, or
// more. Occupancies of several children on a sparse level have their own contexts (kRare).
enum Crowd : int { kSparse = 0, kThin = 1, kThick = 2, kRare = 3 };
inline Crowd crowd_of(size_t nodes, int64_t n) {
  const size_t points = static_cast<size_t>(n);
  return 9 * nodes >= 8 * points ? kSparse : 2 * nodes > points ? kThin : kThick;
}
constexpr int kSeveralChildren = 8;  // symbol of a sparse level; 0..7: the only child

// Which of a node's three face neighbours under the same parent exist (3 bits), how full the level is, and whether an
// earlier tier had splats in the node: 64 contexts.
inline uint8_t octree_context(int parent_occupancy, int octant, Crowd crowd, bool seen_before) {
  int siblings = (parent_occupancy >> (octant ^ 1) & 1) | (parent_occupancy >> (octant ^ 2) & 1) << 1 |
                 (parent_occupancy >> (octant ^ 4) & 1) << 2;
  return static_cast<uint8_t>(siblings | crowd << 3 | (seen_before ? 32 : 0));
}

// Codes occupancies - 1 of a sparse level: the only child's place first, then what else there is. Keeping the 247 rare
// symbols out of the tables of the 8 likely ones saves 0.2 bits a point where points are lonely.
template <class Io>
void code_sparse_level(Io& io, std::vector<uint8_t>& contexts, std::vector<int32_t>& symbols) {
  std::vector<int32_t> only(symbols.size()), several;
  std::vector<uint8_t> several_contexts;
  if constexpr (!Io::kReading) {
    for (size_t k = 0; k < symbols.size(); ++k) {
      const uint32_t occupancy = static_cast<uint32_t>(symbols[k] + 1);
      const bool single = (occupancy & (occupancy - 1)) == 0;
      only[k] = single ? __builtin_ctz(occupancy) : kSeveralChildren;
      if (!single) several.push_back(symbols[k]);
    }
  }
  io.plane(contexts.data(), only.data(), static_cast<int64_t>(only.size()), false);
  for (size_t k = 0; k < only.size(); ++k)
    if (only[k] >= kSeveralChildren) several_contexts.push_back(static_cast<uint8_t>(contexts[k] | kRare << 3));
  several.resize(several_contexts.size());
  io.plane(several_contexts.data(), several.data(), static_cast<int64_t>(several.size()), false);
  if constexpr (Io::kReading) {
    size_t next = 0;
    for (size_t k = 0; k < symbols.size(); ++k)
      symbols[k] = only[k] < kSeveralChildren ? (1 << only[k]) - 1 : several[next++];
  }
}

// nodes: Morton prefixes at one level, ascending. `earlier`: full-depth cells of earlier tiers, ascending.
struct OctreeLevel {
  std::vector<uint64_t> prefix;
  std::vector<uint8_t> parent;  // occupancy of the parent
};

// Codes the cells of n splats. Returns false if the bytes describe another number of cells than n allows.
template <class Io>
bool code_octree(Io& occupancy_io, Io& count_io, int depth, int64_t n, const std::vector<uint64_t>& earlier,
                 std::vector<uint64_t>* cells) {
  OctreeLevel level, next;
  level.prefix = {0};
  level.parent = {0};
  std::vector<uint8_t> contexts;
  std::vector<int32_t> symbols;
  for (int l = 0; l < depth; ++l) {
    const size_t nodes = level.prefix.size();
    const int shift = 3 * (depth - l);
    contexts.resize(nodes);
    symbols.resize(nodes);
    const Crowd crowd = crowd_of(nodes, n);
    size_t seen = 0;
    for (size_t k = 0; k < nodes; ++k) {
      while (seen < earlier.size() && (earlier[seen] >> shift) < level.prefix[k]) ++seen;
      bool before = seen < earlier.size() && (earlier[seen] >> shift) == level.prefix[k];
      contexts[k] = octree_context(level.parent[k], static_cast<int>(level.prefix[k] & 7), crowd, before);
    }
    if constexpr (!Io::kReading) {
      size_t row = 0;
      for (size_t k = 0; k < nodes; ++k) {
        int occupancy = 0;
        for (; row < cells->size() && ((*cells)[row] >> shift) == level.prefix[k]; ++row)
          occupancy |= 1 << ((*cells)[row] >> (shift - 3) & 7);
        symbols[k] = kMirror.mirrored[level.prefix[k] & 7][occupancy] - 1;
      }
    }
    if (crowd == kSparse) {
      code_sparse_level(occupancy_io, contexts, symbols);
    } else {
      occupancy_io.plane(contexts.data(), symbols.data(), static_cast<int64_t>(nodes), false);
    }
    size_t children = 0;
    for (size_t k = 0; k < nodes; ++k) {
      const uint8_t occupancy = kMirror.mirrored[level.prefix[k] & 7][(symbols[k] + 1) & 255];
      contexts[k] = occupancy;
      children += kChildCounts.of[occupancy];
      if (occupancy == 0 || children > static_cast<size_t>(n)) return false;
    }
    next.prefix.resize(children);
    next.parent.resize(children);
    for (size_t k = 0, child = 0; k < nodes; ++k) {
      uint32_t rest = contexts[k];
      for (int left = kChildCounts.of[rest]; left > 0; --left, rest &= rest - 1, ++child) {
        next.prefix[child] = level.prefix[k] << 3 | static_cast<uint64_t>(__builtin_ctz(rest));
        next.parent[child] = contexts[k];
      }
    }
    std::swap(level, next);
  }
  // How many splats share each leaf, less one; a lone child of its parent is a likelier place for one splat only.
  const size_t leaves = level.prefix.size();
  contexts.resize(leaves);
  symbols.resize(leaves);
  for (size_t k = 0; k < leaves; ++k) contexts[k] = std::min<uint8_t>(kChildCounts.of[level.parent[k]], 4);
  if constexpr (!Io::kReading) {
    size_t row = 0;
    for (size_t k = 0; k < leaves; ++k) {
      size_t start = row;
      while (row < cells->size() && (*cells)[row] == level.prefix[k]) ++row;
      symbols[k] = static_cast<int32_t>(row - start) - 1;
    }
  }
  count_io.plane(contexts.data(), symbols.data(), static_cast<int64_t>(leaves), false);
  if constexpr (Io::kReading) {
    cells->clear();
    cells->reserve(static_cast<size_t>(n));
    for (size_t k = 0; k < leaves; ++k) {
      if (symbols[k] < 0 || symbols[k] >= n - static_cast<int64_t>(cells->size())) return false;
      cells->insert(cells->end(), static_cast<size_t>(symbols[k]) + 1, level.prefix[k]);
    }
    return static_cast<int64_t>(cells->size()) == n;
  }
  return true;
}

}  // namespace splatzip
