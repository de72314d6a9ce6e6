#include "splatzip/dequantize_spz.h"

#include "scene.h"

namespace splatzip {
namespace {

using Bytes = In<uint8_t, nb::ndim<2>>;

// Shapes are the caller's duty (kernels/dequantize_spz.py); values are checked here.
template <class Position, class Rotation>
nb::tuple dequantize(In<Position, nb::ndim<2>> positions, Bytes alphas, Bytes colors, Bytes scales,
                     In<Rotation, nb::ndim<2>> rotations, Bytes sh, int fractional_bits, int sh_degree, int axes,
                     int threads) {
  SpzCodes codes{};
  codes.splats = positions.shape(0);
  if constexpr (sizeof(Position) == 2) {
    codes.half_positions = positions.data();
  } else {
    codes.positions = positions.data();
  }
  codes.alphas = alphas.data();
  codes.colors = colors.data();
  codes.scales = scales.data();
  if constexpr (sizeof(Rotation) == 1) {
    codes.first_three = rotations.data();
  } else {
    codes.rotations = rotations.data();
  }
  codes.sh = sh.data();
  codes.fractional_bits = fractional_bits;
  codes.sh_degree = sh_degree;
  codes.axes = axes;
  NewScene made(codes.splats, 1 + sh.shape(1) / 3);
  const SceneArrays<float> out = made.arrays();
  Status status;
  {
    nb::gil_scoped_release release;
    status = dequantize_spz(codes, threads, out);
  }
  return nb::make_tuple(static_cast<int>(status), made.tuple());
}

}  // namespace

void bind_dequantize_spz(nb::module_& m) {
  const char* name = "dequantize_spz";
  m.def(name, &dequantize<uint32_t, uint32_t>);
  m.def(name, &dequantize<uint32_t, uint8_t>);
  m.def(name, &dequantize<uint16_t, uint8_t>);
}

}  // namespace splatzip
