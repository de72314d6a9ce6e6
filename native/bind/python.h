// What the binding's files share: array types and the register functions, one a file.
#pragma once
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstdint>
#include <cstdlib>
#include <new>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include "splatzip/aligned.h"

namespace nb = nanobind;

namespace splatzip {

// Contiguous CPU arrays. In: read-only view of the caller's memory. Out: owned by a capsule.
template <class T, class... Shape>
using In = nb::ndarray<const T, Shape..., nb::c_contig, nb::device::cpu>;
template <class T>
using Out = nb::ndarray<nb::numpy, T, nb::c_contig>;

constexpr size_t kLargeResult = 8 * kHugePage;  // below, the rounding would show

// What a decoder freed goes back to the system, so that the results that come next do not stand on top of it.
inline void give_back_memory() {
#if defined(__GLIBC__)
  malloc_trim(0);
#endif
}

// A new numpy array; the memory is not initialised.
template <class T>
Out<T> make_array(std::initializer_list<size_t> shape) {
  size_t count = 1;
  for (size_t extent : shape) count *= extent;
  T* data = static_cast<T*>(allocate_aligned((count ? count : 1) * sizeof(T), kLargeResult));
  nb::capsule owner(data, [](void* p) noexcept { free_aligned(p); });
  return Out<T>(data, shape.size(), shape.begin(), owner);
}

// A new array of zeros, whose memory is committed as it is written to. numpy's own uses huge pages from 4 MB on, which
// committed an eighth of a scene of 40,000 splats too early.
template <class T>
Out<T> make_zeros(std::initializer_list<size_t> shape) {
  size_t count = 1;
  for (size_t extent : shape) count *= extent;
  const size_t bytes = (count ? count : 1) * sizeof(T);
  void* data = std::calloc(bytes, 1);
  if (!data) throw std::bad_alloc();
#if defined(__linux__)
  const uintptr_t first = (reinterpret_cast<uintptr_t>(data) + kHugePage - 1) / kHugePage * kHugePage;
  const uintptr_t end = reinterpret_cast<uintptr_t>(data) + bytes;
  if (bytes >= kLargeResult) madvise(reinterpret_cast<void*>(first), end - first, MADV_HUGEPAGE);
#endif
  nb::capsule owner(data, [](void* p) noexcept { std::free(p); });
  return Out<T>(static_cast<T*>(data), shape.size(), shape.begin(), owner);
}

void bind_math(nb::module_& m);
void bind_metrics(nb::module_& m);
void bind_stepped(nb::module_& m);
void bind_columns(nb::module_& m);
void bind_raster(nb::module_& m);
void bind_raster_score(nb::module_& m);
void bind_repair(nb::module_& m);
void bind_distill(nb::module_& m);
void bind_importance(nb::module_& m);
void bind_vq(nb::module_& m);
void bind_dequantize_compressed_ply(nb::module_& m);
void bind_dequantize_ksplat(nb::module_& m);
void bind_dequantize_sog(nb::module_& m);
void bind_dequantize_splat(nb::module_& m);
void bind_dequantize_spz(nb::module_& m);

}  // namespace splatzip
