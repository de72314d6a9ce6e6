// Memory that is kept: aligned to cache lines, on huge pages where the system has them, never initialised.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <utility>

#if defined(__linux__)
#include <sys/mman.h>
#endif

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
  ~Buffer() { std::free(data_); }

  // At least `count` elements, undefined if that is more than before.
  T* reserve(size_t count) {
    if (count <= capacity_) return data_;
    std::free(data_);
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

  static T* allocate(size_t count) {
    constexpr size_t kHugePage = size_t{1} << 21;
    const size_t bytes = count * sizeof(T), alignment = bytes >= 2 * kHugePage ? kHugePage : 64;
    void* data = std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
    if (!data) throw std::bad_alloc();
#if defined(__linux__)
    if (alignment == kHugePage) madvise(data, bytes, MADV_HUGEPAGE);
#endif
    return static_cast<T*>(data);
  }

  T* data_ = nullptr;
  size_t capacity_ = 0;
};

}  // namespace splatzip
