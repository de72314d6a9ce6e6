// CUB's sort for the pretended GPU: see cuda_runtime.h.
#pragma once
#include <algorithm>
#include <numeric>
#include <vector>

#include "cuda_runtime.h"

namespace cub {

template <class T>
struct DoubleBuffer {
  T* d_buffers[2];
  int selector = 0;
  DoubleBuffer(T* current, T* alternate) : d_buffers{current, alternate} {}
  T* Current() { return d_buffers[selector]; }
  T* Alternate() { return d_buffers[selector ^ 1]; }
};

struct DeviceRadixSort {
  // Passes of 8 bits go to the other buffer and back; the one behind the last pass holds the results.
  template <class Key, class Value>
  static cudaError_t SortPairs(void* scratch, size_t& bytes, DoubleBuffer<Key>& keys, DoubleBuffer<Value>& values,
                               uint32_t count, int first_bit, int end_bit, cudaStream_t) {
    if (!scratch) return bytes = count / 8 + 1, cudaSuccess;
    const Key* key_from = keys.Current();
    const Value* value_from = values.Current();
    if ((end_bit - first_bit + 7) / 8 % 2) keys.selector ^= 1, values.selector ^= 1;
    Key* key_to = keys.Current();
    Value* value_to = values.Current();
    void* const others[] = {keys.Alternate(), values.Alternate()};
    pretended::enqueue([=, bytes = bytes] {
      pretended::require_there(scratch, bytes, "scratch of a sort");
      pretended::require_there(key_from, count * sizeof(Key), "keys");
      pretended::require_there(key_to, count * sizeof(Key), "sorted keys");
      pretended::require_there(value_from, count * sizeof(Value), "values");
      pretended::require_there(value_to, count * sizeof(Value), "sorted values");
      const std::vector<Key> key(key_from, key_from + count);
      const std::vector<Value> value(value_from, value_from + count);
      const Key bits = end_bit == 8 * sizeof(Key) ? ~Key{} : static_cast<Key>((Key{1} << end_bit) - 1);
      const auto part = [&](uint32_t i) { return static_cast<Key>((key[i] & bits) >> first_bit); };
      std::vector<uint32_t> order(count);
      std::iota(order.begin(), order.end(), 0u);
      std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return part(a) < part(b); });
      pretended::spoil(others[0], count * sizeof(Key));
      pretended::spoil(others[1], count * sizeof(Value));
      for (uint32_t i = 0; i < count; ++i) key_to[i] = key[order[i]], value_to[i] = value[order[i]];
    });
    return cudaSuccess;
  }
};

}  // namespace cub
