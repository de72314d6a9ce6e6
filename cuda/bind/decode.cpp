#include "../decode.h"

#include <nanobind/stl/array.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/unique_ptr.h>

#include <algorithm>
#include <stdexcept>

#include "../../native/bind/stepped_call.h"
#include "../memory.h"
#include "outcome.h"

namespace splatzip::cuda {

void bind_columns(nb::module_& m, nb::class_<Decoder>& decoder);  // columns.cpp
void bind_dequantize(nb::class_<Decoder>& decoder);               // dequantize.cpp

namespace {

// (scene on the device, or None; status; words). `corrupt`: the GPU refuses it, the CPU's decoder says why.
nb::tuple decode(Decoder& decoder, In<uint8_t, nb::ndim<1>> file, nb::bytes params_bytes,
                 std::vector<nb::bytes> book_bytes, std::vector<nb::bytes> table_bytes,
                 std::vector<ChunkTuple> places) {
  SteppedCall call;
  if (!call.read(file, params_bytes, book_bytes, table_bytes, places)) return refuse(Status::corrupt);
  DeviceScene scene;
  DecodeStatus status;
  {
    nb::gil_scoped_release unlocked;
    status = decoder.decode_stepped(call.params, call.tables, call.chunks, file.data(), file.shape(0), &scene);
  }
  return outcome(decoder, status, std::move(scene));
}

nb::tuple upload(Decoder& decoder, const GivenScene<const float>& given) {
  DeviceScene scene;
  DecodeStatus status;
  {
    nb::gil_scoped_release unlocked;
    status = decoder.upload_scene(given.arrays(), given.splats(), given.sh_degree(), &scene);
  }
  return outcome(decoder, status, std::move(scene));
}

// (scene, or None for what is none; status; words). The codes are gone then.
nb::tuple become_scene(Decoder& decoder, DeviceCodes& codes) {
  DeviceScene scene;
  DecodeStatus status;
  {
    nb::gil_scoped_release unlocked;
    status = codes.become_scene(&scene) ? decoder.check_scene(scene) : DecodeStatus::refused;
  }
  return outcome(decoder, status, std::move(scene), Status::scene);
}

// One of the arrays, N rows of `values` floats in all, on the host.
Out<float> download_array(const DeviceScene& scene, const float* array, int values,
                          std::initializer_list<size_t> shape) {
  auto to = make_array<float>(shape);
  std::string wrong;
  {
    nb::gil_scoped_release unlocked;
    wrong = scene.read(to.data(), array, values);
  }
  if (!wrong.empty()) throw std::runtime_error(wrong);
  return to;
}

Out<float> positions(const DeviceScene& scene) {
  return download_array(scene, scene.arrays.positions, 3, {static_cast<size_t>(scene.splats), 3});
}
Out<float> log_scales(const DeviceScene& scene) {
  return download_array(scene, scene.arrays.log_scales, 3, {static_cast<size_t>(scene.splats), 3});
}
Out<float> opacity_logits(const DeviceScene& scene) {
  return download_array(scene, scene.arrays.opacity_logits, 1, {static_cast<size_t>(scene.splats)});
}

nb::tuple download(const DeviceScene& scene) {
  const size_t n = static_cast<size_t>(scene.splats);
  const int coefficients = DeviceScene::coefficients(scene.sh_degree);
  return nb::make_tuple(
      positions(scene), log_scales(scene), download_array(scene, scene.arrays.rotations, 4, {n, 4}),
      opacity_logits(scene),
      download_array(scene, scene.arrays.sh, 3 * coefficients, {n, static_cast<size_t>(coefficients), 3}));
}

using OnDevice = nb::ndarray<float, nb::device::cuda, nb::c_contig>;

// The five arrays where they are, by DLPack; they keep the scene alive.
nb::tuple arrays(nb::handle self) {
  const DeviceScene& scene = nb::cast<const DeviceScene&>(self);
  const size_t n = static_cast<size_t>(scene.splats);
  const size_t coefficients = static_cast<size_t>(DeviceScene::coefficients(scene.sh_degree));
  const SceneArrays<float>& a = scene.arrays;
  return nb::make_tuple(OnDevice(a.positions, {n, 3}, self), OnDevice(a.log_scales, {n, 3}, self),
                        OnDevice(a.rotations, {n, 4}, self), OnDevice(a.opacity_logits, {n}, self),
                        OnDevice(a.sh, {n, coefficients, 3}, self));
}

std::array<uintptr_t, 5> addresses(const DeviceScene& scene) {
  const SceneArrays<float>& a = scene.arrays;
  const float* const arrays[5] = {a.positions, a.log_scales, a.rotations, a.opacity_logits, a.sh};
  std::array<uintptr_t, 5> out;
  std::transform(arrays, arrays + 5, out.begin(), [](const float* at) { return reinterpret_cast<uintptr_t>(at); });
  return out;
}

// Bytes of the host that a GPU reads by itself; None: there are not so many.
nb::object pinned(size_t bytes) {
  void* data = take_pinned_memory(bytes);
  if (!data) return nb::none();
  nb::capsule owner(data, [](void* block) noexcept { give_pinned_memory(block); });
  const size_t shape[1] = {bytes};
  return nb::cast(nb::ndarray<nb::numpy, uint8_t, nb::ndim<1>>(data, 1, shape, owner));
}

}  // namespace

void bind_decode(nb::module_& m) {
  nb::class_<DeviceScene>(m, "DeviceScene")
      .def_ro("splats", &DeviceScene::splats)
      .def_ro("sh_degree", &DeviceScene::sh_degree)
      .def_prop_ro("addresses", &addresses)
      .def("positions", &positions)
      .def("log_scales", &log_scales)
      .def("opacity_logits", &opacity_logits)
      .def("download", &download)
      .def("arrays", [](nb::handle_t<DeviceScene> self) { return arrays(self); });
  nb::class_<Decoder> decoder(m, "Decoder");
  decoder.def("decode_stepped", &decode)
      .def("upload_scene", &upload)
      .def("become_scene", &become_scene)
      .def("forget", &Decoder::forget);
  bind_columns(m, decoder);
  bind_dequantize(decoder);
  m.def("make_decoder", &make_decoder);
  m.def("make_emulated_decoder", &make_emulated_decoder, nb::arg("falling"), nb::arg("memory") = SIZE_MAX);
  m.def("pinned", &pinned);
}

}  // namespace splatzip::cuda
