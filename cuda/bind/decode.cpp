#include "decode.h"

#include <nanobind/stl/string.h>

#include <mutex>

#include "../../native/bind/stepped_call.h"
#include "emulation/decode.h"
#include "python.h"

namespace splatzip::cuda {
namespace {

// As decode_stepped of the core, (arrays, status), by the emulated stages; falling: lanes from the last to the first.
nb::tuple emulate(In<uint8_t, nb::ndim<1>> file, nb::bytes params_bytes, std::vector<nb::bytes> book_bytes,
                  std::vector<nb::bytes> table_bytes, std::vector<ChunkTuple> places, int64_t splats, bool falling) {
  SteppedCall call;
  if (!call.read(file, params_bytes, book_bytes, table_bytes, places))
    return nb::make_tuple(nb::none(), static_cast<int>(Status::corrupt));
  SceneArrays arrays(static_cast<size_t>(splats), call.params);
  const SceneOutput out = arrays.output();
  Status status;
  {
    nb::gil_scoped_release unlocked;
    status = emulate_stepped(call.params, call.tables, call.chunks, falling, out);
  }
  return nb::make_tuple(arrays.tuple(), static_cast<int>(status));
}

// The decoder, whose memory on the device stays for the next call. Never destroyed: the driver may be gone by then.
struct SharedDecoder {
  std::mutex mutex;
  DeviceDecoder decoder;
};
SharedDecoder& shared_decoder() {
  static SharedDecoder* shared = new SharedDecoder();
  return *shared;
}

// (scene on the device, or None; status; words). `corrupt`: the GPU refuses it, the CPU's decoder says why.
nb::tuple decode(In<uint8_t, nb::ndim<1>> file, nb::bytes params_bytes, std::vector<nb::bytes> book_bytes,
                 std::vector<nb::bytes> table_bytes, std::vector<ChunkTuple> places) {
  SteppedCall call;
  if (!call.read(file, params_bytes, book_bytes, table_bytes, places))
    return nb::make_tuple(nb::none(), static_cast<int>(Status::corrupt), "");
  DeviceScene scene;
  DeviceStatus status;
  std::string why;
  {
    nb::gil_scoped_release unlocked;
    SharedDecoder& shared = shared_decoder();
    const std::lock_guard<std::mutex> alone(shared.mutex);
    status = shared.decoder.decode(call.params, call.tables, call.chunks, file.data(), file.shape(0), &scene, &why);
  }
  if (status == DeviceStatus::ok) return nb::make_tuple(nb::cast(std::move(scene)), static_cast<int>(Status::ok), "");
  const Status said = status == DeviceStatus::refused ? Status::corrupt : Status::backend;
  return nb::make_tuple(nb::none(), static_cast<int>(said), why);
}

nb::tuple download(const DeviceScene& scene) {
  const size_t n = static_cast<size_t>(scene.splats);
  const size_t coefficients = static_cast<size_t>((scene.sh_degree + 1) * (scene.sh_degree + 1));
  auto positions = make_array<float>({n, 3}), log_scales = make_array<float>({n, 3}),
       rotations = make_array<float>({n, 4});
  auto opacity_logits = make_array<float>({n});
  auto sh = make_array<float>({n, coefficients, 3});
  const SceneOutput out{positions.data(), log_scales.data(), rotations.data(), opacity_logits.data(), sh.data()};
  const char* error;
  {
    nb::gil_scoped_release unlocked;
    error = scene.download(out);
  }
  if (error) throw std::runtime_error(error);
  return nb::make_tuple(positions, log_scales, rotations, opacity_logits, sh);
}

using OnDevice = nb::ndarray<float, nb::device::cuda, nb::c_contig>;

// The five arrays where they are, for whoever speaks DLPack; they keep the scene.
nb::tuple arrays(nb::handle self) {
  const DeviceScene& scene = nb::cast<const DeviceScene&>(self);
  const size_t n = static_cast<size_t>(scene.splats);
  const size_t coefficients = static_cast<size_t>((scene.sh_degree + 1) * (scene.sh_degree + 1));
  return nb::make_tuple(OnDevice(scene.positions, {n, 3}, self), OnDevice(scene.log_scales, {n, 3}, self),
                        OnDevice(scene.rotations, {n, 4}, self), OnDevice(scene.opacity_logits, {n}, self),
                        OnDevice(scene.sh, {n, coefficients, 3}, self));
}

// Bytes of the host that a GPU reads by itself; None: there are not so many.
nb::object pinned(size_t bytes) {
  void* data = take_pinned_memory(bytes);
  if (!data) return nb::none();
  nb::capsule owner(data, [](void* block) noexcept { give_pinned_memory(block); });
  const size_t shape[1] = {bytes};
  return nb::cast(nb::ndarray<nb::numpy, uint8_t, nb::ndim<1>>(data, 1, shape, owner));
}

void forget() {
  SharedDecoder& shared = shared_decoder();
  const std::lock_guard<std::mutex> alone(shared.mutex);
  shared.decoder.forget();
}

}  // namespace

void bind_decode(nb::module_& m) {
  nb::class_<DeviceScene>(m, "DeviceScene")
      .def_ro("splats", &DeviceScene::splats)
      .def_ro("sh_degree", &DeviceScene::sh_degree)
      .def("download", &download)
      .def("arrays", [](nb::handle_t<DeviceScene> self) { return arrays(self); });
  m.def("decode_stepped", &decode);
  m.def("emulate_stepped", &emulate);
  m.def("pinned", &pinned);
  m.def("forget", &forget);
}

}  // namespace splatzip::cuda
