// What Python hands to a decoder of codec COLUMNS, read: the same for every device.
#pragma once
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <tuple>
#include <vector>

#include "python.h"
#include "../src/columns.h"

namespace splatzip {

// (splats, offset and size of layer 0, of layer 1; size 0: missing).
using TileTuple = std::tuple<int64_t, int64_t, int64_t, int64_t, int64_t>;

struct ColumnsInput {
  ColumnsSpec spec;
  std::vector<TableChunk> tables;
  std::vector<ColumnsTile> tiles;
  int64_t failed = 0;  // what is not legal: -1 the specification, else the TABLES chunk of that id

  // table_bytes: by the id of the TABLES chunk, empty where there is none.
  bool read(const In<uint8_t, nb::ndim<1>>& file, const nb::bytes& spec_bytes,
            const std::vector<nb::bytes>& table_bytes, const std::vector<TileTuple>& places) {
    const auto data_of = [](const nb::bytes& bytes) { return reinterpret_cast<const uint8_t*>(bytes.c_str()); };
    ByteReader in(data_of(spec_bytes), spec_bytes.size());
    failed = -1;
    if (!read_columns_spec(in, &spec)) return false;
    tables.resize(table_bytes.size());
    for (size_t id = 0; id < tables.size(); ++id) {
      const nb::bytes& bytes = table_bytes[id];
      failed = static_cast<int64_t>(id);
      if (bytes.size() > 0 && !read_table_chunk(data_of(bytes), bytes.size(), &tables[id])) return false;
    }
    for (const auto& [splats, offset, size, offset1, size1] : places) {
      ColumnsTile tile;
      tile.n = splats;
      tile.layers[0] = {file.data() + offset, static_cast<size_t>(size)};
      if (size1) tile.layers[1] = {file.data() + offset1, static_cast<size_t>(size1)};
      tiles.push_back(tile);
    }
    return true;
  }
};

}  // namespace splatzip
