// What the binding's files share: array types and the register functions, one a file.
#pragma once
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstdint>

namespace nb = nanobind;

namespace splatzip {

// Contiguous CPU arrays. In: read-only view of the caller's memory. Out: owned by a capsule.
template <class T, class... Shape>
using In = nb::ndarray<const T, Shape..., nb::c_contig, nb::device::cpu>;
template <class T>
using Out = nb::ndarray<nb::numpy, T, nb::c_contig>;

// A new numpy array; the memory is not initialised.
template <class T>
Out<T> make_array(std::initializer_list<size_t> shape) {
  size_t count = 1;
  for (size_t extent : shape) count *= extent;
  T* data = new T[count ? count : 1];
  nb::capsule owner(data, [](void* p) noexcept { delete[] static_cast<T*>(p); });
  return Out<T>(data, shape.size(), shape.begin(), owner);
}

void bind_math(nb::module_& m);
void bind_stepped(nb::module_& m);
void bind_columns(nb::module_& m);
void bind_dequantize_compressed_ply(nb::module_& m);
void bind_dequantize_ksplat(nb::module_& m);
void bind_dequantize_sog(nb::module_& m);
void bind_dequantize_splat(nb::module_& m);
void bind_dequantize_spz(nb::module_& m);

}  // namespace splatzip
