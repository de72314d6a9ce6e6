// Memory on the GPU, which frees itself, and for it. Nothing throws: what could not be had is null.
#pragma once
#include <cstddef>
#include <utility>

namespace splatzip::cuda {

void* take_device_memory(size_t bytes);  // nullptr: there is not so much
void give_device_memory(void* block);

// Memory of the host that the GPU reads by itself, without a copy in between; nullptr: there is not so much.
void* take_pinned_memory(size_t bytes);
void give_pinned_memory(void* block);

class DeviceMemory {
 public:
  DeviceMemory() = default;
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;
  DeviceMemory(DeviceMemory&& other) noexcept { swap(other); }
  DeviceMemory& operator=(DeviceMemory&& other) noexcept {
    swap(other);
    return *this;
  }
  ~DeviceMemory() { give_device_memory(data_); }

  // At least so many bytes, which may hold anything. False: there are not so many; what was held before is gone then.
  bool reserve(size_t bytes) {
    if (bytes <= bytes_) return true;
    give_device_memory(data_);
    data_ = take_device_memory(bytes);
    bytes_ = data_ ? bytes : 0;
    return data_ != nullptr;
  }
  template <class T>
  T* as() const {
    return static_cast<T*>(data_);
  }
  size_t bytes() const { return bytes_; }

 private:
  void swap(DeviceMemory& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
  }
  void* data_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace splatzip::cuda
