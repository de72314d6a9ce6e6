#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>

#include "outcome.h"

namespace splatzip::cuda {
namespace {

using Places = std::vector<int>;  // of arrays of codes, in the order of the core's function; -1: there is none
using Numbers = In<double>;
template <class T>
using List = In<T, nb::ndim<1>>;

// Arrays of codes on the device by their places, of the shapes that they have to have.
class Arrays {
 public:
  Arrays(const DeviceCodes& codes, const Places& places) : codes_(codes), places_(places) {}

  size_t rows() const { return static_cast<size_t>(codes_.rows); }
  int columns(size_t k) const { return is_there(k) ? shape(k).columns : 0; }
  int item_bytes(size_t k) const { return is_there(k) ? shape(k).item_bytes : 0; }
  template <class T>
  const T* take(size_t k, int columns_wanted) const {
    if (!is_there(k)) return nullptr;
    if (shape(k).item_bytes != sizeof(T) || shape(k).columns != columns_wanted)
      throw nb::value_error("an array of another shape");
    return reinterpret_cast<const T*>(codes_.block->data() + codes_.starts[static_cast<size_t>(places_[k])]);
  }
  // The same for an array that may be of several types: null if it is of another one.
  template <class T>
  const T* if_of(size_t k, int columns_wanted) const {
    return item_bytes(k) == sizeof(T) ? take<T>(k, columns_wanted) : nullptr;
  }

 private:
  bool is_there(size_t k) const { return places_.at(k) >= 0; }
  const CodeShape& shape(size_t k) const { return codes_.shapes.at(static_cast<size_t>(places_[k])); }

  const DeviceCodes& codes_;
  const Places& places_;
};

// (scene, or None; status; words). `prefix`: the place of the array whose order rows of the scene are in, or -1.
template <class Source>
nb::tuple dequantize(Decoder& decoder, const DeviceCodes& codes, Source source, size_t coefficients, int prefix) {
  int degree = 0;
  while (static_cast<size_t>(DeviceScene::coefficients(degree)) < 1 + coefficients) ++degree;
  const Places place = {prefix};
  DeviceScene scene;
  DecodeStatus status;
  const DequantizeCall call{source, degree, Arrays(codes, place).take<uint32_t>(0, 1)};
  {
    nb::gil_scoped_release unlocked;
    status = decoder.dequantize(call, &scene);
  }
  return outcome(decoder, status, std::move(scene));
}

nb::tuple spz(Decoder& decoder, const DeviceCodes& on_device, const Places& places, int prefix, int fractional_bits,
              int sh_degree, int axes) {
  const Arrays arrays(on_device, places);
  SourceOf<SpzCodes, SpzBytes> source{};
  SpzCodes& codes = source.codes;
  codes.splats = arrays.rows();
  codes.positions = arrays.if_of<uint32_t>(0, 3), codes.half_positions = arrays.if_of<uint16_t>(0, 3);
  codes.alphas = arrays.take<uint8_t>(1, 1);
  codes.colors = arrays.take<uint8_t>(2, 3);
  codes.scales = arrays.take<uint8_t>(3, 3);
  codes.rotations = arrays.if_of<uint32_t>(4, 1), codes.first_three = arrays.if_of<uint8_t>(4, 3);
  codes.fractional_bits = fractional_bits, codes.sh_degree = sh_degree, codes.axes = axes;
  const Status status = read_header(codes, &source.bytes);
  if (status != Status::ok) return refuse(status);
  const int rest = DeviceScene::coefficients(sh_degree) - 1;
  codes.sh = arrays.take<uint8_t>(5, 3 * rest);
  return dequantize(decoder, on_device, source, static_cast<size_t>(rest), prefix);
}

nb::tuple sog(Decoder& decoder, const DeviceCodes& on_device, const Places& places, int prefix,
              const DeviceCodes* palette, int version, Numbers means, Numbers scale_table, Numbers color_table,
              Numbers rest_table) {
  const Arrays arrays(on_device, places);
  SourceOf<SogCodes, SogBytes> source{};
  SogCodes& codes = source.codes;
  codes.splats = arrays.rows();
  codes.positions = arrays.take<uint16_t>(0, 3);
  codes.rotations = arrays.take<uint8_t>(1, 4);
  codes.scales = arrays.take<uint8_t>(2, 3);
  codes.colors = arrays.take<uint8_t>(3, 4);
  codes.labels = arrays.take<uint16_t>(4, 1);
  if (palette) {
    const Places first = {0};
    const Arrays rows(*palette, first);
    codes.palette = rows.take<uint8_t>(0, rows.columns(0));
    codes.palette_rows = rows.rows(), codes.coefficients = static_cast<size_t>(rows.columns(0)) / 3;
  }
  size_t where;
  const Status status = read_tables(version, {means.data(), scale_table.data(), color_table.data(), rest_table.data()},
                                    codes.coefficients != 0, &source.bytes, &where);
  if (status != Status::ok) return refuse(status);
  return dequantize(decoder, on_device, source, codes.coefficients, prefix);
}

nb::tuple compressed_ply(Decoder& decoder, const DeviceCodes& on_device, const Places& places, int prefix,
                         In<float, nb::ndim<2>> chunks) {
  const Arrays arrays(on_device, places);
  SourceOf<CompressedPlyCodes, CompressedPlyBytes> source{{}, compressed_ply_bytes()};
  CompressedPlyCodes& codes = source.codes;
  codes.splats = arrays.rows();
  codes.position = arrays.take<uint32_t>(0, 1);
  codes.rotation = arrays.take<uint32_t>(1, 1);
  codes.scale = arrays.take<uint32_t>(2, 1);
  codes.color = arrays.take<uint32_t>(3, 1);
  codes.sh = arrays.take<uint8_t>(4, arrays.columns(4));
  codes.coefficients = static_cast<size_t>(arrays.columns(4)) / 3;
  codes.chunks = chunks.data(), codes.chunk_count = chunks.shape(0), codes.chunk_columns = chunks.shape(1);
  const Places place = {prefix};
  codes.chunk_of = Arrays(on_device, place).take<uint32_t>(0, 1);
  if (!codes.chunk_of) throw nb::value_error("splats without chunks");
  return dequantize(decoder, on_device, source, codes.coefficients, prefix);
}

nb::tuple splat(Decoder& decoder, const DeviceCodes& on_device, const Places& places, int prefix) {
  const Arrays arrays(on_device, places);
  const SplatCodes codes{arrays.rows(), arrays.take<uint32_t>(0, 3), arrays.take<uint32_t>(1, 3),
                         arrays.take<uint8_t>(2, 4), arrays.take<uint8_t>(3, 4)};
  return dequantize(decoder, on_device, SourceOf<SplatCodes, LinearBytes>{codes, linear_bytes()}, 0, prefix);
}

template <int Level>
nb::tuple ksplat(Decoder& decoder, const DeviceCodes& on_device, const Places& places, int prefix,
                 In<float, nb::ndim<2>> bucket_centers, List<uint32_t> bucket_sections, List<float> block_sizes,
                 List<uint32_t> ranges, List<uint32_t> degrees, double sh_min, double sh_max) {
  const Arrays arrays(on_device, places);
  SourceOf<KsplatCodes, KsplatBytes> source{};
  KsplatCodes& codes = source.codes;
  codes.splats = arrays.rows(), codes.level = Level;
  const int columns = arrays.columns(3);
  if constexpr (Level == 0) {
    codes.positions32 = arrays.take<uint32_t>(0, 3), codes.scales32 = arrays.take<uint32_t>(1, 3);
    codes.rotations32 = arrays.take<uint32_t>(2, 4), codes.sh32 = arrays.take<uint32_t>(3, columns);
  } else {
    codes.positions16 = arrays.take<uint16_t>(0, 3), codes.scales16 = arrays.take<uint16_t>(1, 3);
    codes.rotations16 = arrays.take<uint16_t>(2, 4);
  }
  if constexpr (Level == 1) codes.sh16 = arrays.take<uint16_t>(3, columns);
  if constexpr (Level == 2) codes.sh8 = arrays.take<uint8_t>(3, columns);
  codes.colors = arrays.take<uint8_t>(4, 4);
  codes.buckets = arrays.take<uint32_t>(5, 1);
  codes.tables = {bucket_centers.shape(0),
                  bucket_centers.data(),
                  bucket_sections.data(),
                  block_sizes.shape(0),
                  block_sizes.data(),
                  ranges.data(),
                  degrees.data(),
                  static_cast<size_t>(columns) / 3,
                  sh_min,
                  sh_max};
  size_t where;
  const Status status = check_tables(codes.tables, &where);
  if (status != Status::ok) return refuse(status);
  source.bytes = ksplat_bytes(codes.tables);
  return dequantize(decoder, on_device, source, codes.tables.coefficients, prefix);
}

}  // namespace

void bind_dequantize(nb::class_<Decoder>& decoder) {
  decoder.def("dequantize_spz", &spz)
      .def("dequantize_sog", &sog, nb::arg("codes"), nb::arg("places"), nb::arg("prefix"), nb::arg("palette").none(),
           nb::arg("version"), nb::arg("means"), nb::arg("scales"), nb::arg("colors"), nb::arg("rest"))
      .def("dequantize_compressed_ply", &compressed_ply)
      .def("dequantize_splat", &splat)
      .def("dequantize_ksplat_0", &ksplat<0>)
      .def("dequantize_ksplat_1", &ksplat<1>)
      .def("dequantize_ksplat_2", &ksplat<2>);
}

}  // namespace splatzip::cuda
