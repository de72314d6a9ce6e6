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

// Unfolds numbers and puts them where they belong. value(row): the number of row `first + row`. False: too many bits.
template <class Item, class Value>
bool put_items(const ColumnTarget& target, int64_t first, int64_t rows, Value&& value) {
  Item* items = static_cast<Item*>(target.items) + first * target.stride;
  const uint32_t mask = static_cast<uint32_t>((uint64_t{1} << target.bits) - 1), sign = mask ^ mask >> 1;
  uint32_t all = 0;
  for (int64_t row = 0; row < rows; ++row) {
    uint32_t number = value(row);
    all |= number;
    if (target.folded) number = number & sign ? number ^ sign : ~number & mask;
    Item& item = items[row * target.stride];
    item = static_cast<Item>(item | number << target.shift);
  }
  return (all & ~mask) == 0;
}

template <class Value>
bool put(const ColumnTarget& target, int64_t first, int64_t rows, Value&& value) {
  if (!target.items) return true;
  if (target.item_bytes == 1) return put_items<uint8_t>(target, first, rows, value);
  if (target.item_bytes == 2) return put_items<uint16_t>(target, first, rows, value);
  return put_items<uint32_t>(target, first, rows, value);
}

// Coordinates of a tile: the octree's cells, then the low bits.
bool decode_coordinates(StreamSet<StreamReader>& streams, const Frame& frame, const ColumnsTile& tile, int64_t start,
                        const ColumnsSpec& spec, const ColumnsOutput& out, Points& points, BadColumns* bad) {
  std::vector<uint64_t> cells;
  if (!code_octree(streams[kOctree], streams[kCount], frame.depth, tile.n, {}, &cells)) return false;
  for (const ColumnSpec& column : spec.columns) {  // a coordinate that is a component fits one
    if (column.mode != ColumnMode::coordinate) continue;
    if (frame.low || frame.origin[column.axis] + (uint64_t{1} << frame.depth) > uint64_t{kMaxCoded}) return false;
  }
  std::vector<uint32_t> coordinates[3];
  for (int a = 0; a < 3; ++a) {
    coordinates[a].resize(cells.size());
    for (size_t i = 0; i < cells.size(); ++i) coordinates[a][i] = gather3(cells[i] >> a);
  }
  points.arrange(tile.n, spec, coordinates, frame.depth, frame.origin);
  StreamReader& low = streams[kPositionLow];
  for (size_t i = 0; i < cells.size(); ++i) {
    for (int a = 0; a < 3; ++a) {
      uint64_t value = static_cast<uint64_t>(coordinates[a][i]) << frame.low;
      if (frame.low) value |= low.raw(frame.low);
      value += frame.origin[a];
      if (value > UINT32_MAX) return false;
      coordinates[a][i] = static_cast<uint32_t>(value);
    }
  }
  if (!low.ok()) return false;
  const uint32_t below = static_cast<uint32_t>((uint64_t{1} << out.prefix_shift) - 1);
  for (int64_t i = 0; out.prefix && i < tile.n; ++i)
    out.prefix[start + i] = coordinates[0][static_cast<size_t>(i)] >> out.prefix_shift;
  for (int a = 0; a < 3; ++a) {
    const uint32_t* from = coordinates[a].data();
    const uint32_t mask = a == 0 ? below : UINT32_MAX;
    if (!put(out.coordinates[a], start, tile.n, [&](int64_t i) { return from[i] & mask; })) bad->target = a;
  }
  return bad->target < 0;
}

// The values of a layer from coding order to their rows: some rows of all components, so that both stay in the cache.
void hand_out(const ColumnsSpec& spec, int layer, const Points& points, const std::vector<std::vector<uint32_t>>& raws,
              int64_t start, const ColumnsOutput& out, BadColumns* bad) {
  constexpr int64_t kRows = 1024;
  for (int64_t first = 0; first < points.n; first += kRows) {
    const int64_t rows = std::min(kRows, points.n - first);
    const uint16_t* place = points.place.data() + first;
    for (size_t c = 0; c < spec.columns.size(); ++c) {
      const ColumnSpec& column = spec.columns[c];
      if (column.layer != layer) continue;
      const uint16_t* values = points.values[c].data();
      const uint32_t* alphabet = column.alphabet.empty() ? nullptr : column.alphabet.data();
      const uint32_t* raw = raws[c].empty() ? nullptr : raws[c].data();
      const bool fits = put(out.components[c], start + first, rows, [&](int64_t row) {
        const uint16_t coded = values[place[row]];
        const uint32_t value = (alphabet ? alphabet[coded] : coded) << column.raw_bits;
        return raw ? value | raw[place[row]] : value;
      });
      if (!fits && bad->target < 0) bad->target = 3 + static_cast<int>(c);
    }
  }
}

bool decode_tile(const ColumnsSpec& spec, const std::vector<std::vector<TableSet>>& tables, const ColumnsTile& tile,
                 int64_t start, const ColumnsOutput& out, BadColumns* bad) {
  Points points;
  for (int layer = 0; layer < kMaxLayers; ++layer) {
    bad->layer = layer;
    const ColumnsChunk& chunk = tile.layers[layer];
    if (!chunk.data) return layer > 0;
    const std::vector<int> ids = stream_ids(spec, layer);
    ByteReader in(chunk.data, chunk.size);
    Frame frame;
    std::vector<StreamReader> readers;
    if (layer == 0 && !read_frame(in, &frame)) return false;
    if (!open_streams(in, ids, tables, &readers)) return false;
    StreamSet<StreamReader> streams(readers, ids);
    if (layer == 0 && !decode_coordinates(streams, frame, tile, start, spec, out, points, bad)) return false;
    for (size_t c = 0; c < spec.columns.size(); ++c)
      if (spec.columns[c].layer == layer) points.values[c].resize(static_cast<size_t>(tile.n));
    std::vector<std::vector<uint32_t>> raws(spec.columns.size());
    bool good = code_layer(spec, layer, points, streams, [&](size_t c, size_t place, int bits, StreamReader& io) {
      if (raws[c].empty()) raws[c].resize(static_cast<size_t>(tile.n));
      raws[c][place] = io.raw(bits);
    });
    if (!good || !close_streams(readers)) return false;
    hand_out(spec, layer, points, raws, start, out, bad);
    if (bad->target >= 0) return false;
  }
  return true;
}

}  // namespace

bool decode_columns(const ColumnsSpec& spec, const std::vector<std::vector<TableSet>>& tables,
                    const std::vector<ColumnsTile>& tiles, const ColumnsOutput& out, int threads, BadColumns* bad) {
  std::vector<int64_t> starts = {0};
  for (const ColumnsTile& tile : tiles) starts.push_back(starts.back() + tile.n);
  std::vector<BadColumns> of_tile(tiles.size());
  parallel_for(static_cast<int64_t>(tiles.size()), threads, [&](int64_t t) {
    const size_t i = static_cast<size_t>(t);
    if (!decode_tile(spec, tables, tiles[i], starts[i], out, &of_tile[i])) of_tile[i].tile = t;
  });
  for (const BadColumns& found : of_tile) {
    if (found.tile < 0) continue;
    *bad = found;
    return false;
  }
  return true;
}

}  // namespace splatzip
