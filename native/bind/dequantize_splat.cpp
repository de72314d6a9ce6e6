#include "splatzip/dequantize_splat.h"

#include "python.h"

namespace splatzip {

// Shapes are the caller's duty (kernels/dequantize_splat.py).
static nb::tuple dequantize(In<uint32_t, nb::ndim<2>> positions, In<uint32_t, nb::ndim<2>> scales,
                            In<uint8_t, nb::ndim<2>> colors, In<uint8_t, nb::ndim<2>> rotations, int threads) {
  const size_t n = positions.shape(0);
  auto p = make_array<float>({n, 3}), s = make_array<float>({n, 3}), r = make_array<float>({n, 4});
  auto o = make_array<float>({n}), h = make_array<float>({n, 1, 3});
  const SplatCodes codes{n, positions.data(), scales.data(), colors.data(), rotations.data()};
  const SceneFloats out{p.data(), s.data(), r.data(), o.data(), h.data()};
  {
    nb::gil_scoped_release release;
    dequantize_splat(codes, threads, out);
  }
  return nb::make_tuple(p, s, r, o, h);
}

void bind_dequantize_splat(nb::module_& m) { m.def("dequantize_splat", &dequantize); }

}  // namespace splatzip
