#include <algorithm>
#include <atomic>

#include "columns_chunk.h"
#include "parallel.h"
#include "uninitialised.h"

namespace splatzip {
namespace {

// Opens the streams of a chunk; false if one of `ids` is missing, or another one is there that may not be skipped.
bool open_streams(ByteReader& in, const std::vector<int>& ids, const std::vector<TableChunk>& tables,
                  std::vector<StreamReader>* streams) {
  std::vector<StreamBytes> found;
  if (!read_streams(in, &found) || found.size() != ids.size()) return false;
  *streams = std::vector<StreamReader>(ids.size());
  for (const auto& [head, data] : found) {
    const size_t at = static_cast<size_t>(std::find(ids.begin(), ids.end(), head.stream) - ids.begin());
    const TableSet* set = find_table_set(tables, head);
    if (at == ids.size() || !set || !(*streams)[at].open(head, data, set)) return false;
  }
  return true;
}

bool close_streams(const std::vector<StreamReader>& streams) {
  return std::all_of(streams.begin(), streams.end(), [](const StreamReader& s) { return s.close(); });
}

uint32_t mask_of(const ColumnTarget& target) { return static_cast<uint32_t>((uint64_t{1} << target.bits) - 1); }

// Unfolds numbers and puts them where they belong. value(row): the number of row `first + row`, but for the low bits
// that are there. False: too many bits.
template <class Item, class Value>
bool put_items(const ColumnTarget& target, int64_t first, int64_t rows, Value&& value) {
  Item* items = static_cast<Item*>(target.items) + first * target.stride;
  const uint32_t mask = mask_of(target), sign = mask ^ mask >> 1;
  uint32_t all = 0;
  for (int64_t row = 0; row < rows; ++row) {
    Item& item = items[row * target.stride];
    uint32_t number = value(row) | (item >> target.shift & mask);
    all |= number;
    if (target.folded) number = number & sign ? number ^ sign : ~number & mask;
    item = static_cast<Item>((item & ~(mask << target.shift)) | number << target.shift);
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

// A number's low bits, which come first. They wait where the number goes: planes of them would be twice what all other
// planes of a tile of floats take. False: too many bits.
bool put_low(const ColumnTarget& target, int64_t row, uint32_t low) {
  if (!target.items) return true;
  const uint32_t mask = mask_of(target), bits = (low & mask) << target.shift;
  const int64_t at = row * target.stride;
  if (target.item_bytes == 1) static_cast<uint8_t*>(target.items)[at] |= static_cast<uint8_t>(bits);
  if (target.item_bytes == 2) static_cast<uint16_t*>(target.items)[at] |= static_cast<uint16_t>(bits);
  if (target.item_bytes == 4) static_cast<uint32_t*>(target.items)[at] |= bits;
  return (low & ~mask) == 0;
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
void hand_out(const ColumnsSpec& spec, int layer, const Points& points, int64_t start, const ColumnsOutput& out,
              BadColumns* bad) {
  constexpr int64_t kRows = 1024;
  for (int64_t first = 0; first < points.n; first += kRows) {
    const int64_t rows = std::min(kRows, points.n - first);
    const uint16_t* place = points.place.data() + first;
    for (size_t c = 0; c < spec.columns.size(); ++c) {
      const ColumnSpec& column = spec.columns[c];
      if (column.layer != layer) continue;
      const uint16_t* values = points.values[c].data();
      const uint32_t* alphabet = column.alphabet.empty() ? nullptr : column.alphabet.data();
      const bool fits = put(out.components[c], start + first, rows, [&](int64_t row) {
        const uint16_t coded = values[place[row]];
        return (alphabet ? alphabet[coded] : coded) << column.raw_bits;
      });
      if (!fits && bad->target < 0) bad->target = 3 + static_cast<int>(c);
    }
  }
}

// points: of another tile before, or fresh.
bool decode_tile(const ColumnsSpec& spec, const std::vector<TableChunk>& tables, const ColumnsTile& tile, int64_t start,
                 const ColumnsOutput& out, Points& points, BadColumns* bad) {
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
    int too_wide = -1;
    bool good = code_layer(spec, layer, points, streams, [&](size_t c, size_t place, int bits, StreamReader& io) {
      if (!put_low(out.components[c], start + points.rank[place], io.raw(bits)) && too_wide < 0)
        too_wide = 3 + static_cast<int>(c);
    });
    if (!good || !close_streams(readers)) return false;
    bad->target = too_wide;
    hand_out(spec, layer, points, start, out, bad);
    if (bad->target >= 0) return false;
  }
  return true;
}

}  // namespace

bool decode_columns(const ColumnsSpec& spec, const std::vector<TableChunk>& tables,
                    const std::vector<ColumnsTile>& tiles, const ColumnsOutput& out, int threads, BadColumns* bad) {
  std::vector<int64_t> starts = {0};
  for (const ColumnsTile& tile : tiles) starts.push_back(starts.back() + tile.n);
  std::vector<BadColumns> of_tile(tiles.size());
  const size_t workers = std::min(tiles.size(), static_cast<size_t>(threads > 0 ? threads : core_count()));
  std::atomic<size_t> next{0};
  parallel_for(static_cast<int64_t>(workers), threads, [&](int64_t) {
    Points points;  // its memory serves one tile after the other
    for (size_t t; (t = next.fetch_add(1)) < tiles.size();) {
      if (!decode_tile(spec, tables, tiles[t], starts[t], out, points, &of_tile[t]))
        of_tile[t].tile = static_cast<int64_t>(t);
      for (const ColumnsChunk& chunk : tiles[t].layers)
        if (out.forget && chunk.data) forget_pages(chunk.data, chunk.size);
    }
  });
  for (const BadColumns& found : of_tile) {
    if (found.tile < 0) continue;
    *bad = found;
    return false;
  }
  return true;
}

}  // namespace splatzip
