#include <nanobind/stl/string.h>

#include <stdexcept>

#include "../../native/bind/columns_call.h"
#include "outcome.h"

namespace splatzip::cuda {
namespace {

using Target = std::tuple<int, int, int, int, bool>;  // CodeTarget

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

// shapes: columns and bytes of an item of each array. Returns (codes on the device, or None; status; words).
nb::tuple decode(Decoder& decoder, In<uint8_t, nb::ndim<1>> file, nb::bytes spec_bytes,
                 std::vector<nb::bytes> table_bytes, std::vector<TileTuple> places,
                 std::vector<std::tuple<int, int>> shapes, std::vector<Target> targets, int prefix_array,
                 int prefix_shift, int scene_degree) {
  ColumnsInput input;
  if (!input.read(file, spec_bytes, table_bytes, places)) return refuse(Status::corrupt);
  ColumnsCall call;
  call.spec = std::move(input.spec), call.tables = std::move(input.tables), call.tiles = std::move(input.tiles);
  call.prefix_array = prefix_array, call.prefix_shift = prefix_shift;
  call.file = file.data(), call.file_bytes = file.shape(0), call.scene_degree = scene_degree;
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
