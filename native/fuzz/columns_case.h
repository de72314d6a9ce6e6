// A recorded call of decode_columns: what the container hands to the codec, numbers as little-endian int64:
//     -1 | size, bytes of the specification | count, then size, bytes of each TABLES chunk | prefix shift, or -1 |
//     arrays: count, then columns and bytes of an item | targets: count, then array (-1: none), column, shift, bits,
//     folded | tiles: count, then points, size, bytes of layer 0, of layer 1 (none: 0)
// The first number tells it from a call of decode_stepped, whose first is a size. scripts/fuzzing/cases.py writes both.
#pragma once
#include "columns.h"
#include "stepped_case.h"

namespace splatzip {

struct ColumnsCase {
  struct Target {
    int array, column, shift, bits;
    bool folded;
  };
  ColumnsSpec spec;
  std::vector<TableChunk> tables;
  std::vector<std::pair<int, int>> arrays;  // columns, bytes of an item
  std::vector<Target> targets;              // of the coordinates, then of the components
  std::vector<ColumnsTile> tiles;
  std::vector<Block> blocks;
  int prefix_shift = -1;
  int64_t points = 0;

  static bool is_one(const std::vector<char>& bytes) { return CaseReader(bytes).number() == -1; }

  // Not ok: what comes before the tiles is none, or the case itself.
  Status read(const std::vector<char>& bytes) {
    CaseReader given(bytes);
    given.number();
    const Block spec_block = given.block();
    ByteReader spec_reader(spec_block.bytes.get(), spec_block.size);
    if (!read_columns_spec(spec_reader, &spec)) return Status::corrupt;
    tables.resize(static_cast<size_t>(std::clamp<int64_t>(given.number(), 0, 256)));
    for (TableChunk& table : tables) {
      const Block block = given.block();
      if (block.size && !read_table_chunk(block.bytes.get(), block.size, &table)) return Status::corrupt;
    }
    prefix_shift = static_cast<int>(given.number());
    for (int64_t count = given.number(); count > 0 && given.ok(); --count) {
      const int columns = static_cast<int>(given.number()), item_bytes = static_cast<int>(given.number());
      arrays.emplace_back(columns, item_bytes);
    }
    for (int64_t count = given.number(); count > 0 && given.ok(); --count) {
      int fields[5];
      for (int& field : fields) field = static_cast<int>(given.number());
      targets.push_back({fields[0], fields[1], fields[2], fields[3], fields[4] != 0});
    }
    if (targets.size() != 3 + spec.columns.size()) return Status::corrupt;
    for (int64_t count = given.number(); count > 0 && given.ok(); --count) {
      ColumnsTile tile;
      tile.n = given.number();
      if (tile.n < 1 || tile.n > kMaxPointsPerChunk) return Status::corrupt;
      points += tile.n;
      for (ColumnsChunk& layer : tile.layers) {
        blocks.push_back(given.block());
        if (blocks.back().size) layer = {blocks.back().bytes.get(), blocks.back().size};
      }
      tiles.push_back(tile);
    }
    if (tiles.empty() || points > kMostSplats) return Status::corrupt;
    return given.ok() ? Status::ok : Status::truncated;
  }
};

}  // namespace splatzip
