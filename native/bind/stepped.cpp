#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include "../src/isa.h"
#include "../src/stepped.h"
#include "python.h"
#include "stepped_call.h"
#include "stepped_source.h"

namespace splatzip {
namespace {

nb::bytes to_bytes(const std::vector<uint8_t>& data) { return nb::bytes(data.data(), data.size()); }

// None, or row and array of a value that no code says.
nb::object to_object(const LostValue& lost) {
  if (lost.row < 0) return nb::none();
  return nb::make_tuple(lost.row, static_cast<int>(lost.array));
}

// search: the address of a RowSearch, or 0.
nb::dict encode(nb::handle given, uintptr_t search, int threads) {
  SteppedSource source(given);
  source.options.search = reinterpret_cast<RowSearch*>(search);
  EncodedScene scene;
  {
    nb::gil_scoped_release unlocked;
    scene = encode_stepped(source.scene, source.options, threads);
  }
  nb::dict out;
  out["params"] = to_bytes(scene.params);
  out["tables"] = nb::make_tuple(to_bytes(scene.tables[0]), to_bytes(scene.tables[1]));
  nb::list tier_tables;
  for (const auto& tables : scene.tier_tables) tier_tables.append(to_bytes(tables));
  out["tier_tables"] = tier_tables;
  out["books"] = nb::make_tuple(to_bytes(scene.books[0]), to_bytes(scene.books[1]), to_bytes(scene.books[2]));
  nb::list chunks;
  for (const EncodedChunk& c : scene.chunks)
    chunks.append(nb::make_tuple(c.tile, c.tier, c.layer, c.splats,
                                 nb::make_tuple(c.box[0], c.box[1], c.box[2], c.box[3], c.box[4], c.box[5]),
                                 to_bytes(c.bytes)));
  out["chunks"] = chunks;
  auto order = make_array<int64_t>({scene.order.size()});
  std::copy(scene.order.begin(), scene.order.end(), order.data());
  out["order"] = order;
  out["lost"] = to_object(scene.lost);
  return out;
}

nb::tuple round(nb::handle given, int threads) {
  const SteppedSource source(given);
  const int coefficients = (source.scene.sh_degree + 1) * (source.scene.sh_degree + 1);
  NewScene made(static_cast<size_t>(source.scene.n), static_cast<size_t>(coefficients));
  const SceneArrays<float> out = made.arrays();
  LostValue lost;
  {
    nb::gil_scoped_release unlocked;
    lost = round_stepped(source.scene, source.options, threads, out);
  }
  return nb::make_tuple(made.tuple(), to_object(lost));
}

// Returns (arrays, status, failed chunk).
nb::tuple decode(In<uint8_t, nb::ndim<1>> file, nb::bytes params_bytes, std::vector<nb::bytes> book_bytes,
                 std::vector<nb::bytes> table_bytes, std::vector<ChunkTuple> places, int64_t splats, int threads) {
  SteppedCall call;
  if (!call.read(file, params_bytes, book_bytes, table_bytes, places))
    return nb::make_tuple(nb::none(), static_cast<int>(Status::corrupt), call.failed);
  NewScene made(static_cast<size_t>(splats), static_cast<size_t>(1 + call.params.rest()));
  const SceneArrays<float> out = made.arrays();
  Status status;
  size_t failed;
  {
    nb::gil_scoped_release unlocked;
    status = decode_stepped(call.params, call.tables, call.chunks, threads, out, &failed);
  }
  return nb::make_tuple(made.tuple(), static_cast<int>(status), static_cast<int64_t>(failed));
}

}  // namespace

void bind_stepped(nb::module_& m) {
  m.def("encode_stepped", &encode);
  m.def("round_stepped", &round);
  m.def("decode_stepped", &decode);
  m.def("isa", [] { return std::string(kernels().name); });
}

}  // namespace splatzip
