// The vector kernels, compiled once an instruction set: an isa_*.cpp defines SPLATZIP_KERNELS (the table to fill),
// SPLATZIP_ISA_NAME and SPLATZIP_LANES (float lanes a register) and includes this file. With SPLATZIP_ONLY_DECODES,
// kernels of encoders and of the renderer are left out: their places in the tables hold nullptr.
//
// Everything lives in an anonymous namespace: two instruction sets must never share an inline function.

#include <cstdint>
#include <cstring>
#include <utility>

#if defined(__AVX2__)
#include <immintrin.h>
#elif defined(__SSE4_1__)
#include <smmintrin.h>
#elif defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__wasm_simd128__)
#include <wasm_simd128.h>
#elif defined(SPLATZIP_NEON)
#include <arm_neon.h>
#endif

#include "isa.h"
#include "splatzip/rans.h"
#if defined(SPLATZIP_ONLY_DECODES)
#define SPLATZIP_UNLESS_DECODER(kernel) nullptr
#else
#include "raster_kernels.h"
#include "raster_score_kernels.h"
#include "splatzip/projection.h"
#include "splatzip/repair.h"
#include "splatzip/spherical_harmonics.h"
#define SPLATZIP_UNLESS_DECODER(kernel) &kernel
#endif

namespace splatzip {
namespace {

template <class V>
V load(const void* p) {
  V v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

template <class V>
void store(void* p, const V& v) {
  std::memcpy(p, &v, sizeof v);
}

#include "lanes_128.inl"

#include "rans_kernels.inl"
#include "vector_lanes.inl"
#include "predict_kernels.inl"
#include "size_kernels.inl"
#include "stepped_kernels.inl"

#include "columns_kernels.inl"
#if !defined(SPLATZIP_ONLY_DECODES)
#include "vq_kernels.inl"
#include "metrics_kernels.inl"
#include "raster_kernels.inl"
#endif

}  // namespace

const Kernels SPLATZIP_KERNELS = {SPLATZIP_ISA_NAME,
                                  &rans_decode_plane,
                                  &decode_rows,
                                  SPLATZIP_UNLESS_DECODER(encode_rows),
                                  SPLATZIP_UNLESS_DECODER(to_targets),
                                  &widen_symbols,
                                  &find_incomplete,
                                  &size_contexts,
                                  &add_size_plane,
                                  SPLATZIP_UNLESS_DECODER(nearest_entries),
                                  &kSteppedKernels,
                                  &kColumnKernels,
                                  SPLATZIP_UNLESS_DECODER(kMetricKernels),
                                  SPLATZIP_UNLESS_DECODER(kRasterKernels)};

}  // namespace splatzip
