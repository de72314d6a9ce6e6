// A chunk of codec COLUMNS: which streams it holds, and the order of its planes (FORMAT.md 7.2 and 7.3).
#pragma once
#include <array>

#include "columns_model.h"

namespace splatzip {

constexpr int kOctree = 1, kCount = 2, kPositionLow = 6;  // stream ids
constexpr int kMaxOriginBits = 32;
// A chunk of layer 0 starts with: where its coordinates start, how many of their bits the octree codes, and how
// many bits below follow raw.
struct Frame {
  uint32_t origin[3] = {};
  int depth = 0;
  int low = 0;
};

// Streams of a layer in the order of their heads: octree, count, low bits; then those of the columns.
inline std::vector<int> stream_ids(const ColumnsSpec& spec, int layer) {
  std::vector<int> ids;
  if (layer == 0) ids = {kOctree, kCount, kPositionLow};
  uint64_t used = 0;
  for (const ColumnSpec& c : spec.columns)
    if (c.layer == layer && c.mode != ColumnMode::coordinate) used |= 1ull << c.stream;
  for (int s = 0; s < kMaxColumnStreams; ++s)
    if (used >> s & 1) ids.push_back(kFirstColumnStream + s);
  return ids;
}

inline void write_frame(ByteWriter& out, const Frame& frame) {
  out.byte(static_cast<uint8_t>(frame.depth));
  out.byte(static_cast<uint8_t>(frame.low));
  for (uint32_t o : frame.origin) out.varint(o);
}

inline bool read_frame(ByteReader& in, Frame* frame) {
  frame->depth = in.byte();
  frame->low = in.byte();
  for (uint32_t& o : frame->origin) {
    uint64_t value = in.varint();
    if (value > UINT32_MAX) return false;
    o = static_cast<uint32_t>(value);
  }
  return in.ok() && frame->depth <= kMaxOctreeDepth && frame->low <= kMaxOriginBits - kMaxOctreeDepth;
}

template <class Io>
struct StreamSet {
  Io none;  // of components that are not coded; a reader without data gives zeros and says so
  std::array<Io*, 64> by_id;
  StreamSet(std::vector<Io>& streams, const std::vector<int>& ids) {
    by_id.fill(&none);
    for (size_t i = 0; i < ids.size(); ++i) by_id[static_cast<size_t>(ids[i])] = &streams[i];
  }
  Io& operator[](int id) { return *by_id[static_cast<size_t>(id)]; }
};

// The columns of a layer, pass by pass. raw(component, place, bits) takes or gives a value's low bits.
template <class Io, class Raw>
bool code_layer(const ColumnsSpec& spec, int layer, Points& points, StreamSet<Io>& streams, Raw&& raw) {
  for (size_t pass = 0; pass + 1 < points.pass_start.size(); ++pass) {
    points.start_pass();
    for (size_t c = 0; c < spec.columns.size(); ++c) {
      const ColumnSpec& column = spec.columns[c];
      if (column.layer != layer) continue;
      Io& io = streams[kFirstColumnStream + column.stream];
      if (!code_values(spec, static_cast<int>(c), pass, points, io)) return false;
      if (column.raw_bits && column.mode != ColumnMode::coordinate) {
        for (int64_t i = points.pass_start[pass]; i < points.pass_start[pass + 1]; ++i)
          raw(c, static_cast<size_t>(i), column.raw_bits, io);
      }
    }
  }
  return true;
}

}  // namespace splatzip
