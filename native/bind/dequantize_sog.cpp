#include "splatzip/dequantize_sog.h"

#include "scene.h"

namespace splatzip {
namespace {

// The kernel module has checked every shape. Returns (status, where, the five arrays).
nb::tuple dequantize(In<uint16_t, nb::ndim<2>> positions, In<uint8_t, nb::ndim<2>> rotations,
                     In<uint8_t, nb::ndim<2>> scales, In<uint8_t, nb::ndim<2>> colors, In<uint16_t, nb::ndim<2>> labels,
                     In<uint8_t, nb::ndim<2>> palette, int version, In<double> means, In<double> scale_table,
                     In<double> color_table, In<double> rest_table, int threads) {
  size_t n = positions.shape(0), coefficients = palette.shape(1) / 3;
  SogCodes codes{n,
                 positions.data(),
                 rotations.data(),
                 scales.data(),
                 colors.data(),
                 labels.data(),
                 palette.data(),
                 palette.shape(0),
                 coefficients};
  SogTables tables{means.data(), scale_table.data(), color_table.data(), rest_table.data()};
  NewScene made(n, 1 + coefficients);
  const SceneArrays<float> out = made.arrays();
  size_t where = 0;
  Status status;
  {
    nb::gil_scoped_release release;
    status = dequantize_sog(version, codes, tables, threads, out, &where);
  }
  return nb::make_tuple(static_cast<int>(status), where, made.tuple());
}

}  // namespace

void bind_dequantize_sog(nb::module_& m) { m.def("dequantize_sog", &dequantize); }

}  // namespace splatzip
