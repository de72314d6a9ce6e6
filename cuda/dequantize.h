// Codes of a quantized source become a scene where they lie, whatever machine it runs on: a lane a splat, by the
// functions that the CPU has (splatzip/dequantize_*.h).
#pragma once
#include <cstring>
#include <utility>
#include <variant>
#include <vector>

#include "decode.h"
#include "uploaded_file.h"
#include "warp.h"

namespace splatzip::cuda {

// Where the codes come in the order of tiles: rows of the scene are in the order of their chunks' or buckets' numbers.
struct RowsAsTheyLie {
  struct Shared {};
  const uint32_t* prefix;
  uint32_t *keys, *rows;
  int64_t splats;
  template <class Warp>
  SPLZ_WARP void run(const Warp& warp, int64_t group, Shared*) const {
    warp.each([&](int lane) {
      const int64_t row = group * kLanes + lane;
      if (row < splats) keys[row] = prefix[row], rows[row] = static_cast<uint32_t>(row);
    });
  }
};

template <class Codes, class Bytes>
struct DequantizeRows {
  struct Shared {};
  Codes codes;
  const Bytes* bytes;
  const uint32_t* order;  // the row of the codes by row of the scene; null: the same
  SceneArrays<float> out;
  uint32_t* wrong;  // 0 before
  template <class Warp>
  SPLZ_WARP void run(const Warp& warp, int64_t group, Shared*) const {
    warp.each([&](int lane) {
      const size_t to = static_cast<size_t>(group * kLanes + lane);
      if (to >= codes.splats) return;
      const size_t row = order ? order[to] : to;
      if (is_legal(codes, row)) {
        dequantize_row(codes, *bytes, row, to, out);
      } else {
        *wrong = 1;
      }
    });
  }
};

// Chunks of a compressed.ply, sorted: each of 256 splats but for the last, its bounds finite.
struct CheckChunks {
  struct Shared {};
  CompressedPlyCodes codes;
  const uint32_t* keys;
  uint32_t* wrong;

  SPLZ_WARP bool is_splat(size_t row) const {
    const size_t of_chunk = row % kCompressedPlyChunk;
    const uint32_t chunk = keys[row];
    if (of_chunk) return chunk == keys[row - of_chunk];
    return (row == 0 || chunk != keys[row - 1]) && chunk < codes.chunk_count && bounds_are_finite(codes, chunk);
  }
  template <class Warp>
  SPLZ_WARP void run(const Warp& warp, int64_t group, Shared*) const {
    warp.each([&](int lane) {
      const size_t row = static_cast<size_t>(group * kLanes + lane);
      if (row < codes.splats && !is_splat(row)) *wrong = 1;
    });
  }
};

// The arrays of the host that codes refer to: each(pointer, how many).
template <class Codes, class Each>
void each_table(Codes&, Each) {}
template <class Each>
void each_table(CompressedPlyCodes& codes, Each each) {
  each(codes.chunks, codes.chunk_count * codes.chunk_columns);
}
template <class Each>
void each_table(KsplatCodes& codes, Each each) {
  KsplatTables& t = codes.tables;
  each(t.bucket_centers, 3 * t.buckets), each(t.bucket_sections, t.buckets);
  each(t.block_sizes, t.sections), each(t.ranges, t.sections), each(t.degrees, t.sections);
}

template <class Machine>
class DequantizePipeline {
 public:
  // What the scene of so many splats takes, beside the codes.
  static size_t bytes_for(int64_t splats, int sh_degree, bool is_sorted) {
    return DeviceScene::bytes_for(splats, sh_degree) + (is_sorted ? kSorted * static_cast<size_t>(splats) : 0);
  }

  // Whether what comes out is a scene is not looked at.
  DecodeStatus dequantize(Machine& machine, const DequantizeCall& call, DeviceScene* scene) {
    return std::visit([&](const auto& source) { return run(machine, call, source.codes, source.bytes, scene); },
                      call.source);
  }

 private:
  template <class Codes, class Bytes>
  DecodeStatus run(Machine& machine, const DequantizeCall& call, Codes codes, const Bytes& bytes, DeviceScene* scene) {
    std::vector<uint8_t> constants;
    std::vector<size_t> starts;
    append(constants, &bytes, sizeof bytes);
    each_table(codes, [&](const auto* table, size_t count) {
      starts.push_back(append(constants, table, count * sizeof *table));
    });
    const int64_t splats = static_cast<int64_t>(codes.splats), groups = (splats + kLanes - 1) / kLanes;
    if (!machine.has_room(bytes_for(splats, call.sh_degree, call.prefix) + constants.size()))
      return DecodeStatus::failed;
    auto block = BlockOfMachine<Machine>::make(machine, DeviceScene::bytes_for(splats, call.sh_degree));
    typename Machine::template Array<uint8_t> there;
    typename Machine::template Array<uint32_t> keys, rows, flag;
    uint8_t* const tables = there.reserve(machine, static_cast<int64_t>(constants.size()));
    uint32_t* const wrong = flag.reserve(machine, 1);
    if (call.prefix) keys.reserve(machine, splats), rows.reserve(machine, splats);
    if (machine.failed()) return DecodeStatus::failed;
    scene->lay_out(std::move(block), splats, call.sh_degree);
    machine.write(tables, constants.data(), static_cast<int64_t>(constants.size()));
    machine.clear(wrong, 1);
    size_t next = 0;
    each_table(codes, [&](auto*& table, size_t) {
      table = reinterpret_cast<std::remove_reference_t<decltype(table)>>(tables + starts[next++]);
    });
    if (call.prefix) {
      machine.run(RowsAsTheyLie{call.prefix, keys.data(), rows.data(), splats}, groups);
      machine.sort(&keys, &rows, splats, 32);
    }
    if constexpr (std::is_same_v<Codes, CompressedPlyCodes>)
      machine.run(CheckChunks{codes, keys.data(), wrong}, groups);
    machine.run(DequantizeRows<Codes, Bytes>{codes, reinterpret_cast<const Bytes*>(tables),
                                             call.prefix ? rows.data() : nullptr, scene->arrays, wrong},
                groups);
    uint32_t found = 0;
    machine.read(&found, wrong, 1);
    if (machine.failed()) return DecodeStatus::failed;
    return found ? DecodeStatus::refused : DecodeStatus::ok;
  }

  static constexpr size_t kSorted = 20;  // bytes a splat: keys and rows, twice, and what arrays have beyond them
};

}  // namespace splatzip::cuda
