#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <stdexcept>

#include "outcome.h"

namespace splatzip::cuda {
namespace {

using Tile = std::tuple<int64_t, int64_t, int64_t, int64_t, int64_t>;  // as decode_columns of the core takes it
using Target = std::tuple<int, int, int, int, bool>;                   // CodeTarget

// False: the specification or a TABLES chunk is none.
bool read(const nb::bytes& spec_bytes, const std::vector<nb::bytes>& table_bytes, ColumnsCall* call) {
  const auto data_of = [](const nb::bytes& bytes) { return reinterpret_cast<const uint8_t*>(bytes.c_str()); };
  ByteReader in(data_of(spec_bytes), spec_bytes.size());
  if (!read_columns_spec(in, &call->spec)) return false;
  call->tables.resize(table_bytes.size());
  for (size_t id = 0; id < table_bytes.size(); ++id)
    if (table_bytes[id].size() &&
        !read_table_chunk(data_of(table_bytes[id]), table_bytes[id].size(), &call->tables[id]))
      return false;
  return true;
}

void check(const ColumnsCall& call) {
  if (call.targets.size() != 3 + call.spec.columns.size()) throw nb::value_error("not one target a component");
  for (const CodeTarget& target : call.targets) {
    if (target.array < 0) continue;
    const CodeShape& shape = call.shapes.at(static_cast<size_t>(target.array));
    if (target.column < 0 || target.column >= shape.columns || target.shift < 0 || target.bits < 1 ||
        target.shift + target.bits > 8 * shape.item_bytes)
      throw nb::value_error("a target that does not fit");
  }
  if (call.prefix_array >= 0) {
    const CodeShape& shape = call.shapes.at(static_cast<size_t>(call.prefix_array));
    if (shape.columns != 1 || shape.item_bytes != 4 || call.prefix_shift < 0 || call.prefix_shift > 31)
      throw nb::value_error("a prefix that does not fit");
  }
}

// tile_list: (splats, offset and size of layer 0, of layer 1; size 0: missing). shapes: columns and bytes of an item of
// each array. Returns (codes on the device, or None; status; words).
nb::tuple decode(Decoder& decoder, In<uint8_t, nb::ndim<1>> file, nb::bytes spec_bytes,
                 std::vector<nb::bytes> table_bytes, std::vector<Tile> tile_list,
                 std::vector<std::tuple<int, int>> shapes, std::vector<Target> targets, int prefix_array,
                 int prefix_shift, int scene_degree) {
  ColumnsCall call;
  call.prefix_array = prefix_array, call.prefix_shift = prefix_shift;
  call.file = file.data(), call.file_bytes = file.shape(0), call.scene_degree = scene_degree;
  if (!read(spec_bytes, table_bytes, &call)) return refuse(Status::corrupt);
  for (const auto& [splats, offset, size, offset1, size1] : tile_list) {
    ColumnsTile tile;
    tile.n = splats;
    tile.layers[0] = {file.data() + offset, static_cast<size_t>(size)};
    if (size1) tile.layers[1] = {file.data() + offset1, static_cast<size_t>(size1)};
    call.tiles.push_back(tile);
  }
  for (const auto& [columns, item_bytes] : shapes) call.shapes.push_back({columns, item_bytes});
  for (const auto& [array, column, shift, bits, folded] : targets)
    call.targets.push_back({array, column, shift, bits, folded});
  check(call);
  DeviceCodes codes;
  DecodeStatus status;
  {
    nb::gil_scoped_release unlocked;
    status = decoder.decode_columns(call, &codes);
  }
  return outcome(decoder, status, std::move(codes));
}

// Array `array` into memory of the host, as many bytes as it has.
void download(const DeviceCodes& codes, size_t array, nb::ndarray<nb::c_contig, nb::device::cpu> to) {
  if (array >= codes.shapes.size() || to.nbytes() != codes.bytes_of(array))
    throw nb::value_error("an array of another size");
  std::string wrong;
  {
    nb::gil_scoped_release unlocked;
    wrong = codes.block->read(to.data(), codes.starts[array], to.nbytes());
  }
  if (!wrong.empty()) throw std::runtime_error(wrong);
}

}  // namespace

void bind_columns(nb::module_& m, nb::class_<Decoder>& decoder) {
  nb::class_<DeviceCodes>(m, "DeviceCodes").def_ro("rows", &DeviceCodes::rows).def("download", &download);
  decoder.def("decode_columns", &decode);
}

}  // namespace splatzip::cuda
