// The rasterizer's kernels on a GPU: a lane a thread, work queued on one stream, memory from the stream's pool.
#pragma once
#include <cuda_runtime.h>

#include <cub/device/device_radix_sort.cuh>
#include <cub/device/device_scan.cuh>
#include <string>
#include <utility>

#include "warp.h"

namespace splatzip::cuda {

constexpr int kWarpsOfBlock = 4;

template <class Job>
__global__ void __launch_bounds__(kWarpsOfBlock* kLanes) run_job(const Job job, int64_t warps) {
  __shared__ typename Job::Shared shared[kWarpsOfBlock];
  const int of_block = static_cast<int>(threadIdx.x) / kLanes;
  const int64_t index = static_cast<int64_t>(blockIdx.x) * kWarpsOfBlock + of_block;
  if (index < warps) job.run(DeviceWarp(), index, &shared[of_block]);
}

class DeviceMachine {
 public:
  template <class T>
  class Array {
   public:
    Array() = default;
    Array(const Array&) = delete;
    Array& operator=(const Array&) = delete;
    ~Array() { release(); }

    // Room for so many; what was there is lost where it has to grow. Null after a failure.
    T* reserve(DeviceMachine& machine, int64_t size) {
      if (size <= capacity_ && data_) return data_;
      release();
      stream_ = machine.stream_;
      const int64_t room = size + size / 4 + 1;
      machine.wanted_ = sizeof(T) * static_cast<size_t>(room);
      if (!machine.failed() && machine.check(cudaMallocAsync(reinterpret_cast<void**>(&data_),
                                                             sizeof(T) * static_cast<size_t>(room), stream_)))
        capacity_ = room;
      return data_;
    }
    T* data() { return data_; }
    const T* data() const { return data_; }
    void swap(Array& other) {
      std::swap(data_, other.data_);
      std::swap(capacity_, other.capacity_);
      std::swap(stream_, other.stream_);
    }

   private:
    void release() {
      if (data_) cudaFreeAsync(data_, stream_);
      data_ = nullptr, capacity_ = 0;
    }

    T* data_ = nullptr;
    int64_t capacity_ = 0;
    cudaStream_t stream_ = nullptr;
  };

  explicit DeviceMachine(cudaStream_t stream) : stream_(stream) {
    // Memory that is given back stays in the pool for the next picture.
    int device = 0;
    cudaMemPool_t pool;
    uint64_t all = UINT64_MAX;
    if (check(cudaGetDevice(&device)) && check(cudaDeviceGetDefaultMemPool(&pool, device)))
      check(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &all));
  }

  template <class Job>
  void run(const Job& job, int64_t warps) {
    if (failed() || warps == 0) return;
    const unsigned blocks = static_cast<unsigned>((warps + kWarpsOfBlock - 1) / kWarpsOfBlock);
    run_job<<<blocks, kWarpsOfBlock * kLanes, 0, stream_>>>(job, warps);
    check(cudaGetLastError());
  }

  template <class T>
  void clear(T* values, int64_t size) {
    if (!failed()) check(cudaMemsetAsync(values, 0, sizeof(T) * static_cast<size_t>(size), stream_));
  }

  void sums_before(uint32_t* values, int64_t size) {
    if (failed() || size == 0) return;
    size_t bytes = 0;
    check(cub::DeviceScan::ExclusiveSum(nullptr, bytes, values, values, size, stream_));
    if (!scratch_.reserve(*this, static_cast<int64_t>(bytes))) return;
    check(cub::DeviceScan::ExclusiveSum(scratch_.data(), bytes, values, values, size, stream_));
  }

  // By the lowest `bits` of the keys; equal keys keep their order.
  template <class Key>
  void sort(Array<Key>* keys, Array<uint32_t>* values, int64_t size, int bits) {
    if (failed() || size == 0) return;
    Array<Key> other_keys;
    Array<uint32_t> other_values;
    cub::DoubleBuffer<Key> by(keys->data(), other_keys.reserve(*this, size));
    cub::DoubleBuffer<uint32_t> what(values->data(), other_values.reserve(*this, size));
    if (failed()) return;
    size_t bytes = 0;
    check(cub::DeviceRadixSort::SortPairs(nullptr, bytes, by, what, size, 0, bits, stream_));
    if (!scratch_.reserve(*this, static_cast<int64_t>(bytes))) return;
    check(cub::DeviceRadixSort::SortPairs(scratch_.data(), bytes, by, what, size, 0, bits, stream_));
    if (by.Current() != keys->data()) keys->swap(other_keys);
    if (what.Current() != values->data()) values->swap(other_values);
  }

  template <class T>
  void read(T* to, const T* from, int64_t size) {
    if (failed()) return;
    check(cudaMemcpyAsync(to, from, sizeof(T) * static_cast<size_t>(size), cudaMemcpyDeviceToHost, stream_));
    check(cudaStreamSynchronize(stream_));
  }
  template <class T>
  void write(T* to, const T* from, int64_t size) {
    if (failed()) return;
    check(cudaMemcpyAsync(to, from, sizeof(T) * static_cast<size_t>(size), cudaMemcpyHostToDevice, stream_));
  }

  bool failed() const { return error_ != cudaSuccess; }
  std::string problem() const {
    if (error_ != cudaErrorMemoryAllocation) return cudaGetErrorString(error_);
    return "not enough memory on the GPU: " + std::to_string(wanted_ >> 20) +
           " MiB more are not there; draw fewer or smaller pictures at once";
  }
  // After a want of memory the next picture may be smaller.
  void forget_problem() {
    if (error_ != cudaErrorMemoryAllocation) return;
    cudaGetLastError();
    error_ = cudaSuccess;
  }

 private:
  bool check(cudaError_t error) {
    if (error_ == cudaSuccess) error_ = error;
    return error == cudaSuccess;
  }

  cudaStream_t stream_;
  cudaError_t error_ = cudaSuccess;
  size_t wanted_ = 0;  // bytes, when memory was last asked for
  Array<char> scratch_;
};

}  // namespace splatzip::cuda
