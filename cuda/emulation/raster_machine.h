// The rasterizer's kernels on the CPU, warp after warp: slow, for tests.
#pragma once
#include <algorithm>
#include <memory>
#include <numeric>
#include <vector>

#include "../raster_pipeline.h"

namespace splatzip::cuda {

class EmulatedMachine {
 public:
  // Memory of its own for each size: what runs over its end is found by sanitizers.
  template <class T>
  class Array {
   public:
    T* reserve(EmulatedMachine&, int64_t size) {
      values_.assign(static_cast<size_t>(size), T{});
      return values_.data();
    }
    T* data() { return values_.data(); }
    const T* data() const { return values_.data(); }
    std::vector<T>& values() { return values_; }

   private:
    std::vector<T> values_;
  };

  // Lanes and warps in falling order: whatever depends on either shows.
  explicit EmulatedMachine(bool falling) : falling_(falling) {}

  template <class Job>
  void run(const Job& job, int64_t warps) {
    const EmulatedWarp warp(falling_);
    const auto shared = std::make_unique<typename Job::Shared>();
    for (int64_t k = 0; k < warps; ++k) job.run(warp, falling_ ? warps - 1 - k : k, shared.get());
  }
  template <class T>
  void clear(T* values, int64_t size) {
    std::fill(values, values + size, T{});
  }
  void sums_before(uint32_t* values, int64_t size) { std::exclusive_scan(values, values + size, values, 0u); }
  template <class Key>
  void sort(Array<Key>* keys, Array<uint32_t>* values, int64_t size, int bits) {
    const auto key_of = [&](uint32_t i) { return keys->data()[i] & ((uint64_t{1} << bits) - 1); };
    std::vector<uint32_t> order(static_cast<size_t>(size));
    std::iota(order.begin(), order.end(), 0u);
    std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return key_of(a) < key_of(b); });
    std::vector<Key> sorted_keys;
    std::vector<uint32_t> sorted_values;
    for (uint32_t i : order) {
      sorted_keys.push_back(keys->data()[i]);
      sorted_values.push_back(values->data()[i]);
    }
    keys->values().swap(sorted_keys);
    values->values().swap(sorted_values);
  }
  template <class T>
  void read(T* to, const T* from, int64_t size) {
    std::copy(from, from + size, to);
  }
  template <class T>
  void write(T* to, const T* from, int64_t size) {
    std::copy(from, from + size, to);
  }
  void forget_problem() {}
  bool failed() const { return false; }
  std::string problem() const { return {}; }

 private:
  bool falling_;
};

}  // namespace splatzip::cuda
