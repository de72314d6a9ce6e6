// CUB's sums for the pretended GPU: see cuda_runtime.h.
#pragma once
#include <numeric>

#include "cuda_runtime.h"

namespace cub {

struct DeviceScan {
  template <class T>
  static cudaError_t ExclusiveSum(void* scratch, size_t& bytes, const T* from, T* to, uint32_t count, cudaStream_t) {
    if (!scratch) return bytes = count / 8 + 1, cudaSuccess;
    pretended::enqueue([=, bytes = bytes] {
      pretended::require_there(scratch, bytes, "scratch of a sum");
      pretended::require_there(from, count * sizeof(T), "what is summed");
      pretended::require_there(to, count * sizeof(T), "a sum");
      std::exclusive_scan(from, from + count, to, T{});
    });
    return cudaSuccess;
  }
};

}  // namespace cub
