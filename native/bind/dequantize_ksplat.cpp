#include "splatzip/dequantize_ksplat.h"

#include "scene.h"

namespace splatzip {
namespace {

template <class T>
using Rows = In<T, nb::ndim<2>>;
template <class T>
using List = In<T, nb::ndim<1>>;

void set(KsplatCodes& c, Rows<uint32_t> p, Rows<uint32_t> s, Rows<uint32_t> r, Rows<uint32_t> sh) {
  c.positions32 = p.data(), c.scales32 = s.data(), c.rotations32 = r.data(), c.sh32 = sh.data();
}

void set(KsplatCodes& c, Rows<uint16_t> p, Rows<uint16_t> s, Rows<uint16_t> r, Rows<uint16_t> sh) {
  c.positions16 = p.data(), c.scales16 = s.data(), c.rotations16 = r.data(), c.sh16 = sh.data();
}

void set(KsplatCodes& c, Rows<uint16_t> p, Rows<uint16_t> s, Rows<uint16_t> r, Rows<uint8_t> sh) {
  c.positions16 = p.data(), c.scales16 = s.data(), c.rotations16 = r.data(), c.sh8 = sh.data();
}

// Shapes and types are the caller's duty (kernels/dequantize_ksplat.py); values are checked by the core.
template <int Level, class Value, class Sh>
nb::tuple dequantize(Rows<Value> positions, Rows<Value> scales, Rows<Value> rotations, Rows<Sh> harmonics,
                     Rows<uint8_t> colors, Rows<uint32_t> buckets, Rows<float> bucket_centers,
                     List<uint32_t> bucket_sections, List<float> block_sizes, List<uint32_t> ranges,
                     List<uint32_t> degrees, double sh_min, double sh_max, int threads) {
  const size_t n = positions.shape(0), b = harmonics.shape(1) / 3;
  KsplatCodes codes{};
  codes.splats = n;
  codes.level = Level;
  codes.colors = colors.data();
  codes.buckets = buckets.data();
  set(codes, positions, scales, rotations, harmonics);
  codes.tables = {bucket_centers.shape(0),
                  bucket_centers.data(),
                  bucket_sections.data(),
                  block_sizes.shape(0),
                  block_sizes.data(),
                  ranges.data(),
                  degrees.data(),
                  b,
                  sh_min,
                  sh_max};
  NewScene made(n, 1 + b);
  const SceneArrays<float> out = made.arrays();
  Status status;
  size_t where = 0;
  bool in_tables = false;
  {
    nb::gil_scoped_release release;
    status = dequantize_ksplat(codes, threads, out, &where, &in_tables);
  }
  return nb::make_tuple(static_cast<int>(status), where, in_tables, made.tuple());
}

}  // namespace

void bind_dequantize_ksplat(nb::module_& m) {
  m.def("dequantize_ksplat_0", &dequantize<0, uint32_t, uint32_t>);
  m.def("dequantize_ksplat_1", &dequantize<1, uint16_t, uint16_t>);
  m.def("dequantize_ksplat_2", &dequantize<2, uint16_t, uint8_t>);
}

}  // namespace splatzip
