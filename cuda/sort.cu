#include "sort.h"

#include <cub/device/device_radix_sort.cuh>
#include <cub/device/device_scan.cuh>

namespace splatzip::cuda {

cudaError_t scan_sums(void* scratch, size_t* bytes, uint32_t* values, uint32_t count, cudaStream_t stream) {
  return cub::DeviceScan::ExclusiveSum(scratch, *bytes, values, values, count, stream);
}

template <class Key>
cudaError_t sort_pairs(void* scratch, size_t* bytes, SortedPairs<Key>* pairs, uint32_t count, int bits,
                       cudaStream_t stream) {
  cub::DoubleBuffer<Key> keys(pairs->keys, pairs->other_keys);
  cub::DoubleBuffer<uint32_t> values(pairs->values, pairs->other_values);
  const cudaError_t error = cub::DeviceRadixSort::SortPairs(scratch, *bytes, keys, values, count, 0, bits, stream);
  *pairs = {keys.Current(), keys.Alternate(), values.Current(), values.Alternate()};
  return error;
}

template cudaError_t sort_pairs(void*, size_t*, SortedPairs<uint16_t>*, uint32_t, int, cudaStream_t);
template cudaError_t sort_pairs(void*, size_t*, SortedPairs<uint32_t>*, uint32_t, int, cudaStream_t);

}  // namespace splatzip::cuda
