// A machine that is the CPU: warp after warp, lane after lane; slow, for tests (device_machine.h is a GPU). Where races
// are looked for, lanes run as lanes.h says.
#pragma once
#include <algorithm>
#include <cstring>
#include <memory>
#include <numeric>
#include <string>
#include <type_traits>
#include <vector>

#include "../machine.h"
#include "../warp.h"
#include "float_mode.h"
#if defined(SPLATZIP_RACES)
#include "lanes.h"
#endif

namespace splatzip::cuda {

class EmulatedMachine {
  struct Memory {
    size_t limit, used;
  };

 public:
  // Memory of its own for each size: what runs over its end is found by sanitizers, and what is read before it was
  // written by what it does to the results, for it is not zero.
  template <class T>
  class Array {
   public:
    Array() = default;
    Array(const Array&) = delete;
    Array& operator=(const Array&) = delete;
    ~Array() { release(); }
    T* reserve(EmulatedMachine& machine, int64_t size) {
      release();
      const size_t count = static_cast<size_t>(size), bytes = count * sizeof(T);
      if (machine.failed() || bytes > machine.left()) {
        if (!machine.failed()) machine.problem_ = lack_of_memory(bytes, 0);
        return nullptr;
      }
      memory_ = machine.memory_;
      memory_->used += counted_ = bytes;
      values_.resize(count ? count : 1);
      static_assert(std::is_trivially_copyable_v<T>);
      if (count) std::memset(static_cast<void*>(values_.data()), 0xA5, bytes);
      return values_.data();
    }
    T* reserve_exactly(EmulatedMachine& machine, int64_t size) { return reserve(machine, size); }
    size_t growth_exactly(int64_t size) const { return growth(size); }
    size_t bytes() const { return values_.size() * sizeof(T); }
    size_t growth(int64_t size) const {
      const size_t wanted = static_cast<size_t>(size);
      return wanted > values_.size() ? (wanted - values_.size()) * sizeof(T) : 0;
    }
    void release() {
      if (memory_) memory_->used -= counted_;
      memory_.reset();
      values_ = {};
    }
    T* data() { return values_.data(); }
    const T* data() const { return values_.data(); }
    std::vector<T>& values() { return values_; }
    void swap(Array& other) {
      values_.swap(other.values_);
      memory_.swap(other.memory_);
      std::swap(counted_, other.counted_);
    }

   private:
    std::vector<T> values_;
    std::shared_ptr<Memory> memory_;  // it is counted there
    size_t counted_ = 0;
  };

  // Lanes and warps in falling order: whatever depends on either shows. memory: bytes that arrays may take together.
  explicit EmulatedMachine(bool falling, size_t memory = SIZE_MAX)
      : falling_(falling), memory_(std::make_shared<Memory>(Memory{memory, 0})) {}

  bool has_room(size_t bytes) {
    if (problem_.empty() && bytes > left()) problem_ = lack_of_memory(bytes, left());
    return problem_.empty();
  }
  size_t room() const { return left(); }
  EmulatedMachine sibling() const {
    EmulatedMachine other = *this;
    other.problem_.clear();
    return other;
  }

  template <class Job>
  void run(const Job& job, int64_t warps) {
    if (failed()) return;
#if defined(SPLATZIP_RACES)
    run_in_teams(job, warps, falling_);
#else
    const ExactFloats exact;
    const EmulatedWarp warp(falling_);
    const auto shared = std::make_unique<typename Job::Shared>();
    for (int64_t k = 0; k < warps; ++k) job.run(warp, falling_ ? warps - 1 - k : k, shared.get());
#endif
  }
  template <class T>
  void clear(T* values, int64_t size) {
    if (!failed()) std::fill(values, values + size, T{});
  }
  void sums_before(uint32_t* values, int64_t size) {
    if (!failed()) std::exclusive_scan(values, values + size, values, 0u);
  }
  template <class Key>
  void sort(Array<Key>* keys, Array<uint32_t>* values, int64_t size, int bits) {
    if (failed()) return;
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
    if (!failed()) std::copy(from, from + size, to);
  }
  template <class T>
  void write(T* to, const T* from, int64_t size) {
    if (!failed()) std::copy(from, from + size, to);
  }
  // Read where it is: beyond the end of a chunk that lies in memory of its own, sanitizers find it.
  const uint8_t* upload(Array<uint8_t>*, const uint8_t* from, int64_t) { return from; }
  void wait() {}
  void forget_problem() { problem_.clear(); }
  bool failed() const { return !problem_.empty(); }
  bool lacks_memory() const { return failed(); }
  std::string problem() const { return problem_; }

 private:
  size_t left() const { return memory_->limit - memory_->used; }

  bool falling_;
  std::shared_ptr<Memory> memory_;
  std::string problem_;
};

}  // namespace splatzip::cuda
