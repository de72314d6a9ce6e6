// What Python hands to a decoder of codec STEPPED, read: the same for every device.
#pragma once
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <string>
#include <tuple>
#include <vector>

#include "scene.h"
#include "../src/stepped.h"

namespace splatzip {

// (tile, tier, layer, splats, row, offset, size), sorted.
using ChunkTuple = std::tuple<int, int, int, int64_t, int64_t, int64_t, int64_t>;

struct SteppedCall {
  SteppedParams params;
  std::vector<TableChunk> tables;
  std::vector<ChunkBytes> chunks;
  int64_t failed = 0;  // what is not legal: -1 the parameters, -2 - b codebooks, then tables

  bool read(const In<uint8_t, nb::ndim<1>>& file, const nb::bytes& params_bytes,
            const std::vector<nb::bytes>& book_bytes, const std::vector<nb::bytes>& table_bytes,
            const std::vector<ChunkTuple>& places) {
    const auto data_of = [](const nb::bytes& bytes) { return reinterpret_cast<const uint8_t*>(bytes.c_str()); };
    ByteReader in(data_of(params_bytes), params_bytes.size());
    failed = -1;
    if (!read_params(in, &params)) return false;
    for (int a = 0; a < kBookedAttributes; ++a) {
      const nb::bytes& bytes = book_bytes.at(static_cast<size_t>(a));
      --failed;
      if (bytes.size() > 0 && !params.read_books(a, data_of(bytes), bytes.size())) return false;
    }
    tables.resize(table_bytes.size());
    for (size_t t = 0; t < tables.size(); ++t) {
      --failed;
      if (!read_table_chunk(data_of(table_bytes[t]), table_bytes[t].size(), &tables[t])) return false;
    }
    for (const auto& [tile, tier, layer, count, row, offset, size] : places)
      chunks.push_back({tile, tier, layer, count, row, file.data() + offset, static_cast<size_t>(size)});
    failed = 0;
    return true;
  }
};

}  // namespace splatzip
