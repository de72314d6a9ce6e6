#include "splatzip/dequantize_splat.h"

#include "scene.h"

namespace splatzip {

// Shapes are the caller's duty (kernels/dequantize_splat.py).
static nb::tuple dequantize(In<uint32_t, nb::ndim<2>> positions, In<uint32_t, nb::ndim<2>> scales,
                            In<uint8_t, nb::ndim<2>> colors, In<uint8_t, nb::ndim<2>> rotations, int threads) {
  const size_t n = positions.shape(0);
  NewScene made(n, 1);
  const SplatCodes codes{n, positions.data(), scales.data(), colors.data(), rotations.data()};
  const SceneArrays<float> out = made.arrays();
  {
    nb::gil_scoped_release release;
    dequantize_splat(codes, threads, out);
  }
  return made.tuple();
}

void bind_dequantize_splat(nb::module_& m) { m.def("dequantize_splat", &dequantize); }

}  // namespace splatzip
