// Memory that is kept: aligned to cache lines, on huge pages where the system has them, never initialised.
#pragma once
#include <cstddef>
#include <utility>

#include "splatzip/aligned.h"

namespace splatzip {

// Growing drops the contents: frames write what they read.
template <class T>
class Buffer {
 public:
  Buffer() = default;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  Buffer(Buffer&& other) noexcept { swap(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Buffer() { free_aligned(data_); }

  // At least `count` elements, undefined if that is more than before.
  T* reserve(size_t count) {
    if (count <= capacity_) return data_;
    free_aligned(data_);
    data_ = nullptr, capacity_ = 0;
    data_ = allocate(count + count / 4);
    capacity_ = count + count / 4;
    return data_;
  }
  // The same, but the first `kept` elements stay.
  T* extend(size_t count, size_t kept) {
    if (count <= capacity_) return data_;
    Buffer larger;
    larger.data_ = allocate(2 * count);
    larger.capacity_ = 2 * count;
    for (size_t i = 0; i < kept; ++i) larger.data_[i] = data_[i];
    swap(larger);
    return data_;
  }

  T* data() { return data_; }
  const T* data() const { return data_; }
  size_t capacity() const { return capacity_; }
  T& operator[](size_t i) { return data_[i]; }
  const T& operator[](size_t i) const { return data_[i]; }

 private:
  void swap(Buffer& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(capacity_, other.capacity_);
  }

  static T* allocate(size_t count) { return static_cast<T*>(allocate_aligned(count * sizeof(T), 2 * kHugePage)); }

  T* data_ = nullptr;
  size_t capacity_ = 0;
};

}  // namespace splatzip
