#include <algorithm>

#include "columns_chunk.h"
#include "parallel.h"

namespace splatzip {
namespace {

// Opens the streams of a chunk; false if one of `ids` is missing, or another one is there that may not be skipped.
bool open_streams(ByteReader& in, const std::vector<int>& ids, const std::vector<std::vector<TableSet>>& tables,
                  std::vector<StreamReader>* streams) {
  std::vector<StreamHead> heads;
  const uint64_t count = in.varint();
  if (!in.ok() || count > 64) return false;
  for (uint64_t s = 0; s < count; ++s) {
    StreamHead head;
    if (!read_stream_head(in, &head)) return false;
    heads.push_back(head);
  }
  *streams = std::vector<StreamReader>(ids.size());
  std::vector<bool> opened(ids.size(), false);
  for (const StreamHead& head : heads) {
    if (head.word_bytes > in.left() || head.raw_bytes > in.left()) return false;
    const uint8_t* data = in.take(head.word_bytes + head.raw_bytes);
    if (!data) return false;
    if (head.stream >= kFirstOptionalStream) continue;
    const size_t at = static_cast<size_t>(std::find(ids.begin(), ids.end(), head.stream) - ids.begin());
    if (at == ids.size() || opened[at] || static_cast<size_t>(head.table_set) >= tables.size()) return false;
    const std::vector<TableSet>& sets = tables[static_cast<size_t>(head.table_set)];
    const auto set = std::find_if(sets.begin(), sets.end(), [&](const TableSet& t) { return t.stream == head.stream; });
    if (set == sets.end() || !(*streams)[at].open(head, data, &*set)) return false;
    opened[at] = true;
  }
  return in.at_end() && std::all_of(opened.begin(), opened.end(), [](bool b) { return b; });
}

bool close_streams(const std::vector<StreamReader>& streams) {
  return std::all_of(streams.begin(), streams.end(), [](const StreamReader& s) { return s.close(); });
}

// Coordinates of a tile: the octree's cells, then the low bits.
bool decode_coordinates(StreamSet<StreamReader>& streams, const Frame& frame, int64_t n, Points& points,
                        const ColumnsSpec& spec, uint32_t* out) {
  std::vector<uint64_t> cells;
  if (!code_octree(streams[kOctree], streams[kCount], frame.depth, n, {}, &cells)) return false;
  for (const ColumnSpec& column : spec.columns) {  // a coordinate that is a component fits one
    if (column.mode != ColumnMode::coordinate) continue;
    if (frame.low || frame.origin[column.axis] + (uint64_t{1} << frame.depth) > uint64_t{2 * kMaxCoded}) return false;
  }
  std::vector<uint32_t> coordinates[3];
  for (int a = 0; a < 3; ++a) {
    coordinates[a].resize(cells.size());
    for (size_t i = 0; i < cells.size(); ++i) coordinates[a][i] = gather3(cells[i] >> a);
  }
  StreamReader& low = streams[kPositionLow];
  for (size_t i = 0; i < cells.size(); ++i) {
    for (int a = 0; a < 3; ++a) {
      uint64_t value = static_cast<uint64_t>(coordinates[a][i]) << frame.low;
      if (frame.low) value |= low.raw(frame.low);
      value += frame.origin[a];
      if (value > UINT32_MAX) return false;
      out[3 * i + static_cast<size_t>(a)] = static_cast<uint32_t>(value);
    }
  }
  points.arrange(n, spec, coordinates, frame.depth, frame.origin);
  return low.ok();
}

// Component c of the tile by rank, into its place.
void hand_out(const ColumnSpec& column, size_t c, const Points& points, const std::vector<uint32_t>& raw,
              uint32_t* out) {
  for (size_t i = 0; i < points.rank.size(); ++i) {
    const uint32_t coded = static_cast<uint32_t>(points.values[c][i]);
    uint32_t value = (column.alphabet.empty() ? coded : column.alphabet[coded]) << column.raw_bits;
    if (!raw.empty()) value |= raw[i];
    out[points.rank[i]] = value;
  }
}

bool decode_tile(const ColumnsSpec& spec, const std::vector<std::vector<TableSet>>& tables, const ColumnsTile& tile,
                 int64_t start, int64_t total, uint32_t* coordinates, uint32_t* values, int* layer) {
  Points points;
  for (*layer = 0; *layer < kMaxLayers; ++*layer) {
    const ColumnsChunk& chunk = tile.layers[*layer];
    if (!chunk.data) return *layer > 0;
    const std::vector<int> ids = stream_ids(spec, *layer);
    ByteReader in(chunk.data, chunk.size);
    Frame frame;
    std::vector<StreamReader> readers;
    if (*layer == 0 && !read_frame(in, &frame)) return false;
    if (!open_streams(in, ids, tables, &readers)) return false;
    StreamSet<StreamReader> streams(readers, ids);
    if (*layer == 0) {
      uint32_t* out = coordinates + 3 * start;
      if (!decode_coordinates(streams, frame, tile.n, points, spec, out)) return false;
    }
    std::vector<std::vector<uint32_t>> raws(spec.columns.size());
    bool good = code_layer(spec, *layer, points, streams, [&](size_t c, size_t place, int bits, StreamReader& io) {
      if (raws[c].empty()) raws[c].resize(static_cast<size_t>(tile.n));
      raws[c][place] = io.raw(bits);
    });
    if (!good || !close_streams(readers)) return false;
    for (size_t c = 0; c < spec.columns.size(); ++c) {
      const ColumnSpec& column = spec.columns[c];
      uint32_t* out = values + static_cast<int64_t>(c) * total + start;
      if (column.layer != *layer) continue;
      if (column.mode == ColumnMode::coordinate) {
        for (int64_t i = 0; i < tile.n; ++i) out[i] = coordinates[3 * (start + i) + column.axis];
      } else {
        hand_out(column, c, points, raws[c], out);
      }
    }
  }
  return true;
}

}  // namespace

int64_t decode_columns(const ColumnsSpec& spec, const std::vector<std::vector<TableSet>>& tables,
                       const std::vector<ColumnsTile>& tiles, int64_t n, uint32_t* coordinates, uint32_t* values,
                       int threads, int* layer) {
  std::vector<int64_t> starts = {0};
  for (const ColumnsTile& tile : tiles) starts.push_back(starts.back() + tile.n);
  std::vector<int> bad(tiles.size(), -1);
  parallel_for(static_cast<int64_t>(tiles.size()), threads, [&](int64_t t) {
    const size_t i = static_cast<size_t>(t);
    int at = 0;
    if (!decode_tile(spec, tables, tiles[i], starts[i], n, coordinates, values, &at)) bad[i] = at;
  });
  for (size_t i = 0; i < tiles.size(); ++i) {
    if (bad[i] < 0) continue;
    *layer = bad[i];
    return static_cast<int64_t>(i);
  }
  return -1;
}

}  // namespace splatzip
