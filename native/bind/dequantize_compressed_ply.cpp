#include "splatzip/dequantize_compressed_ply.h"

#include "scene.h"

namespace splatzip {
namespace {

// The kernel module has checked every shape. Returns (status, where, the five arrays).
nb::tuple dequantize(In<uint32_t, nb::ndim<2>> position, In<uint32_t, nb::ndim<2>> rotation,
                     In<uint32_t, nb::ndim<2>> scale, In<uint32_t, nb::ndim<2>> color, In<uint8_t, nb::ndim<2>> sh,
                     In<float, nb::ndim<2>> chunks, int threads) {
  size_t n = position.shape(0), coefficients = sh.shape(1) / 3;
  CompressedPlyCodes codes{n,         position.data(), rotation.data(), scale.data(),    color.data(),
                           sh.data(), coefficients,    chunks.data(),   chunks.shape(0), chunks.shape(1),
                           nullptr};
  NewScene made(n, 1 + coefficients);
  const SceneArrays<float> out = made.arrays();
  size_t where = 0;
  Status status;
  {
    nb::gil_scoped_release release;
    status = dequantize_compressed_ply(codes, threads, out, &where);
  }
  return nb::make_tuple(static_cast<int>(status), where, made.tuple());
}

}  // namespace

void bind_dequantize_compressed_ply(nb::module_& m) { m.def("dequantize_compressed_ply", &dequantize); }

}  // namespace splatzip
