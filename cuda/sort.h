// CUB's scan and radix sort, for device_machine.h. In a file of their own: nvcc takes longer for them than for most
// kernels here, and would again in every file that includes CUB.
#pragma once
#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

namespace splatzip::cuda {

// Both say in *bytes what they need where `scratch` is null, and do nothing else then.

// Each value becomes the sum of those before it.
cudaError_t scan_sums(void* scratch, size_t* bytes, uint32_t* values, uint32_t count, cudaStream_t stream);

template <class Key>
struct SortedPairs {
  Key *keys, *other_keys;
  uint32_t *values, *other_values;
};

// By the lowest `bits` of the keys; equal keys keep their order. What is sorted is then in `keys` and `values`, which
// may have changed places with the others.
template <class Key>
cudaError_t sort_pairs(void* scratch, size_t* bytes, SortedPairs<Key>* pairs, uint32_t count, int bits,
                       cudaStream_t stream);

}  // namespace splatzip::cuda
