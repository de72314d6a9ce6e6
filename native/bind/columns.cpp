#include "columns_call.h"

namespace splatzip {
namespace {

nb::bytes to_bytes(const std::vector<uint8_t>& data) { return nb::bytes(data.data(), data.size()); }

Out<int64_t> to_array(const std::vector<int64_t>& values) {
  auto out = make_array<int64_t>({values.size()});
  std::copy(values.begin(), values.end(), out.data());
  return out;
}

Out<int64_t> sorted_rows(In<uint32_t, nb::ndim<2>> coordinates) {
  std::vector<int64_t> order;
  {
    nb::gil_scoped_release unlocked;
    order = morton_order(coordinates.data(), static_cast<int64_t>(coordinates.shape(0)));
  }
  return to_array(order);
}

// columns: (layer, group, shared, raw bits, axis or -1) by component. Returns spec, tables by layer, chunks by layer
// and tile, order.
nb::tuple encode(In<uint32_t, nb::ndim<2>> coordinates, In<uint32_t, nb::ndim<2>> values,
                 std::vector<std::tuple<int, int, bool, int, int>> columns, In<int64_t, nb::ndim<1>> order,
                 In<int64_t, nb::ndim<1>> starts, bool neighbours, std::vector<int32_t> map, int tables_id, int align,
                 int threads) {
  ColumnsSource source{
      coordinates.data(), values.data(), static_cast<int64_t>(coordinates.shape(0)), {}, {}, {}, neighbours, map,
      tables_id,          align};
  for (auto& [layer, group, shared, raw_bits, axis] : columns)
    source.columns.push_back({layer, group, shared, raw_bits, axis});
  source.order.assign(order.data(), order.data() + order.shape(0));
  source.starts.assign(starts.data(), starts.data() + starts.shape(0));
  EncodedColumns encoded;
  {
    nb::gil_scoped_release unlocked;
    encoded = encode_columns(source, threads);
  }
  nb::list tables, chunks;
  for (const auto& t : encoded.tables) tables.append(to_bytes(t));
  for (const auto& layer : encoded.chunks) {
    nb::list list;
    for (const auto& chunk : layer) list.append(to_bytes(chunk));
    chunks.append(list);
  }
  return nb::make_tuple(to_bytes(encoded.spec), tables, chunks, to_array(encoded.order));
}

// (components, whether each lies in layer 1), or None if the bytes are no columns chunk.
nb::object describe(nb::bytes spec_bytes) {
  ColumnsSpec spec;
  ByteReader in(reinterpret_cast<const uint8_t*>(spec_bytes.c_str()), spec_bytes.size());
  if (!read_columns_spec(in, &spec)) return nb::none();
  nb::list layers;
  for (const ColumnSpec& c : spec.columns) layers.append(c.layer);
  return layers;
}

using Target = std::tuple<nb::object, int, int, int, bool>;  // array (N, K), its column, shift, bits, folded

template <class T>
bool aim(const nb::object& array, int64_t rows, int column, ColumnTarget* target) {
  nb::ndarray<T, nb::ndim<2>, nb::c_contig, nb::device::cpu> items;
  if (!nb::try_cast(array, items, false)) return false;
  if (static_cast<int64_t>(items.shape(0)) != rows || column < 0 || column >= static_cast<int>(items.shape(1)))
    throw nb::value_error("a target that does not fit");
  target->items = items.data() + column;
  target->item_bytes = sizeof(T);
  target->stride = static_cast<int64_t>(items.shape(1));
  return true;
}

ColumnTarget target_of(const Target& given, int64_t rows) {
  auto& [array, column, shift, bits, folded] = given;
  ColumnTarget target;
  if (array.is_none()) return target;
  if (!aim<uint8_t>(array, rows, column, &target) && !aim<uint16_t>(array, rows, column, &target) &&
      !aim<uint32_t>(array, rows, column, &target))
    throw nb::type_error("a target that is not a contiguous array of uint8, uint16 or uint32");
  if (shift < 0 || bits < 1 || shift + bits > 8 * target.item_bytes) throw nb::value_error("bits that do not fit");
  target.shift = shift, target.bits = bits, target.folded = folded;
  return target;
}

constexpr int64_t kManyPoints = 1 << 14;  // beside fewer the pages of code weigh more, and faults a third of the time

// targets: of the coordinates, then of the components; their arrays are zero. prefix: (N) or (0). forget: decoded
// chunks may be lost. Returns None, or what is wrong: ("spec", 0), ("tables", id), ("tile", tile, layer), ("target",
// target).
nb::object decode(In<uint8_t, nb::ndim<1>> file, nb::bytes spec_bytes, std::vector<nb::bytes> table_bytes,
                  std::vector<TileTuple> places, std::vector<Target> targets, int prefix_shift,
                  nb::ndarray<uint32_t, nb::ndim<1>, nb::c_contig, nb::device::cpu> prefix, bool forget, int threads) {
  ColumnsInput input;
  if (!input.read(file, spec_bytes, table_bytes, places))
    return input.failed < 0 ? nb::make_tuple("spec", 0) : nb::make_tuple("tables", input.failed);
  int64_t n = 0;
  for (const ColumnsTile& tile : input.tiles) n += tile.n;
  if (targets.size() != 3 + input.spec.columns.size()) throw nb::value_error("not one target a component");
  ColumnsOutput out;
  for (size_t i = 0; i < targets.size(); ++i) {
    const ColumnTarget target = target_of(targets[i], n);
    if (i < 3) out.coordinates[i] = target;
    if (i >= 3) out.components.push_back(target);
  }
  out.forget = forget;
  out.prefix_shift = prefix_shift;
  if (prefix.shape(0)) {
    if (static_cast<int64_t>(prefix.shape(0)) != n) throw nb::value_error("not one prefix a point");
    out.prefix = prefix.data();
  }
  BadColumns bad;
  {
    nb::gil_scoped_release unlocked;
    if (decode_columns(input.spec, input.tables, input.tiles, out, threads, &bad)) bad.tile = -1;
    if (n >= kManyPoints) give_back_memory();
  }
  if (bad.tile < 0) return nb::none();
  if (bad.target >= 0) return nb::make_tuple("target", bad.target);
  return nb::make_tuple("tile", bad.tile, bad.layer);
}

}  // namespace

void bind_columns(nb::module_& m) {
  m.def("zeros_uint8", [](size_t rows, size_t columns) { return make_zeros<uint8_t>({rows, columns}); });
  m.def("zeros_uint16", [](size_t rows, size_t columns) { return make_zeros<uint16_t>({rows, columns}); });
  m.def("zeros_uint32", [](size_t rows, size_t columns) { return make_zeros<uint32_t>({rows, columns}); });
  m.def("morton_order", &sorted_rows);
  m.def("encode_columns", &encode);
  m.def("decode_columns", &decode);
  m.def("describe_columns", &describe);
}

}  // namespace splatzip
