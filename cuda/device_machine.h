// A machine that is a GPU: bodies of kernels a lane a thread, work queued on one stream, memory from the stream's pool.
// emulation/machine.h is the other one. What a machine has to have:
//
//   Array<T>: reserve(machine, size) gives room without keeping what was there, reserve_exactly(machine, size) the same
//   of what never grows; growth(size), growth_exactly(size): bytes that they would take; bytes(): that it has; data(),
//   release(), swap(other)
//   run(job, warps), sums_before(values, size), sort(keys, values, size, bits), clear(values, size)
//   read(to_host, from, size), write(to, from_host, size), upload(array, from_host, size), wait()
//   room(): bytes that could be had, has_room(bytes); sibling(): another machine of the same memory and queue
//   failed(), lacks_memory(), problem(), forget_problem()
//
// After a failure (no memory) all of them do nothing. A job may say how many warps share a block (kWarps).
#pragma once
#include <cuda_runtime.h>

#include <string>
#include <utility>

#include "machine.h"
#include "sort.h"
#include "warp.h"

namespace splatzip::cuda {

template <class Job>
struct BlockOf {
  static constexpr int kWarps = 4;
};
template <class Job>
  requires requires { Job::kWarps; }
struct BlockOf<Job> {
  static constexpr int kWarps = Job::kWarps;
};

template <class Job>
__global__ void __launch_bounds__(BlockOf<Job>::kWarps* kLanes)
    run_job(const __grid_constant__ Job job, int64_t warps) {
  __shared__ typename Job::Shared shared[BlockOf<Job>::kWarps];
  const int of_block = static_cast<int>(threadIdx.x) / kLanes;
  const int64_t index = static_cast<int64_t>(blockIdx.x) * BlockOf<Job>::kWarps + of_block;
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
    T* reserve(DeviceMachine& machine, int64_t size) { return take(machine, size, room_for(size)); }
    // The same for arrays that never grow: no room to spare.
    T* reserve_exactly(DeviceMachine& machine, int64_t size) { return take(machine, size, size ? size : 1); }
    size_t growth(int64_t size) const { return bytes_more(size, room_for(size)); }
    size_t growth_exactly(int64_t size) const { return bytes_more(size, size); }
    size_t bytes() const { return sizeof(T) * static_cast<size_t>(capacity_); }
    void release() {
      if (data_) cudaFreeAsync(data_, stream_);
      data_ = nullptr, capacity_ = 0;
    }
    T* data() { return data_; }
    const T* data() const { return data_; }
    void swap(Array& other) {
      std::swap(data_, other.data_);
      std::swap(capacity_, other.capacity_);
      std::swap(stream_, other.stream_);
    }

   private:
    static int64_t room_for(int64_t size) { return size + size / 4 + 1; }
    size_t bytes_more(int64_t size, int64_t room) const {
      return size <= capacity_ && data_ ? 0 : sizeof(T) * static_cast<size_t>(room - capacity_);
    }
    T* take(DeviceMachine& machine, int64_t size, int64_t room) {
      if (size <= capacity_ && data_) return data_;
      release();
      stream_ = machine.stream_;
      machine.wanted_ = sizeof(T) * static_cast<size_t>(room);
      if (!machine.failed() && machine.check(cudaMallocAsync(reinterpret_cast<void**>(&data_),
                                                             sizeof(T) * static_cast<size_t>(room), stream_)))
        capacity_ = room;
      return data_;
    }

    T* data_ = nullptr;
    int64_t capacity_ = 0;
    cudaStream_t stream_ = nullptr;
  };

  explicit DeviceMachine(cudaStream_t stream) : stream_(stream) {
    // Memory that is given back stays in the pool for the next picture.
    int device = 0, reads_pages = 0;
    cudaMemPool_t pool;
    uint64_t all = UINT64_MAX;
    if (check(cudaGetDevice(&device)) && check(cudaDeviceGetDefaultMemPool(&pool, device)) &&
        check(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &all)))
      check(cudaDeviceGetAttribute(&reads_pages, cudaDevAttrPageableMemoryAccessUsesHostPageTables, device));
    reads_pages_ = reads_pages != 0;
  }

  template <class Job>
  void run(const Job& job, int64_t warps) {
    if (failed() || warps == 0) return;
    constexpr int kWarps = BlockOf<Job>::kWarps;
    const int64_t blocks = (warps + kWarps - 1) / kWarps;
    if (!check(blocks <= INT32_MAX ? cudaSuccess : cudaErrorInvalidValue)) return;
    cudaLaunchConfig_t launch = {};
    launch.gridDim = dim3(static_cast<unsigned>(blocks));
    launch.blockDim = dim3(kWarps * kLanes);
    launch.stream = stream_;
    check(cudaLaunchKernelEx(&launch, run_job<Job>, job, warps));
  }

  template <class T>
  void clear(T* values, int64_t size) {
    if (!failed() && size) check(cudaMemsetAsync(values, 0, sizeof(T) * static_cast<size_t>(size), stream_));
  }

  void sums_before(uint32_t* values, int64_t size) {
    if (failed() || size == 0 || !is_short(size)) return;
    const uint32_t count = static_cast<uint32_t>(size);
    size_t bytes = 0;
    check(scan_sums(nullptr, &bytes, values, count, stream_));
    if (!scratch_.reserve(*this, static_cast<int64_t>(bytes))) return;
    check(scan_sums(scratch_.data(), &bytes, values, count, stream_));
  }

  // By the lowest `bits` of the keys; equal keys keep their order.
  template <class Key>
  void sort(Array<Key>* keys, Array<uint32_t>* values, int64_t size, int bits) {
    if (failed() || size == 0 || !is_short(size)) return;
    const uint32_t count = static_cast<uint32_t>(size);
    Array<Key> other_keys;
    Array<uint32_t> other_values;
    SortedPairs<Key> pairs = {keys->data(), other_keys.reserve(*this, size), values->data(),
                              other_values.reserve(*this, size)};
    if (failed()) return;
    size_t bytes = 0;
    check(sort_pairs(nullptr, &bytes, &pairs, count, bits, stream_));
    if (!scratch_.reserve(*this, static_cast<int64_t>(bytes))) return;
    check(sort_pairs(scratch_.data(), &bytes, &pairs, count, bits, stream_));
    if (pairs.keys != keys->data()) keys->swap(other_keys);
    if (pairs.values != values->data()) values->swap(other_values);
  }

  template <class T>
  void read(T* to, const T* from, int64_t size) {
    if (failed() || size == 0) return;
    check(cudaMemcpyAsync(to, from, sizeof(T) * static_cast<size_t>(size), cudaMemcpyDeviceToHost, stream_));
    check(cudaStreamSynchronize(stream_));
  }
  // `from` may go at once unless it is pinned: CUDA puts other memory aside before it returns. But not where the GPU
  // reads it by the host's page tables.
  template <class T>
  void write(T* to, const T* from, int64_t size) {
    if (failed() || size == 0) return;
    check(cudaMemcpyAsync(to, from, sizeof(T) * static_cast<size_t>(size), cudaMemcpyHostToDevice, stream_));
    if (reads_pages_) wait();
  }

  // Memory that could be had now: what the device has left, and what the pool keeps for the next to ask.
  size_t room() {
    size_t left = 0, total = 0;
    uint64_t kept = 0, used = 0;
    int device = 0;
    cudaMemPool_t pool;
    const bool known = check(cudaMemGetInfo(&left, &total)) && check(cudaGetDevice(&device)) &&
                       check(cudaDeviceGetDefaultMemPool(&pool, device)) &&
                       check(cudaMemPoolGetAttribute(pool, cudaMemPoolAttrReservedMemCurrent, &kept)) &&
                       check(cudaMemPoolGetAttribute(pool, cudaMemPoolAttrUsedMemCurrent, &used));
    const size_t there = known ? left + static_cast<size_t>(kept - used) : 0;
    return there > kSpare ? there - kSpare : 0;
  }
  // Whether so many bytes more can be had, before any is taken. If not, the machine has failed, and says how many.
  bool has_room(size_t bytes) {
    if (failed() || bytes == 0) return !failed();
    const size_t there = room();
    if (failed() || bytes <= there) return !failed();
    error_ = cudaErrorMemoryAllocation, wanted_ = 0;
    lack_ = lack_of_memory(bytes, there);
    return false;
  }
  // Another one on the same stream.
  DeviceMachine sibling() const { return DeviceMachine(stream_); }

  // To memory of the machine's own, which `to` keeps.
  const uint8_t* upload(Array<uint8_t>* to, const uint8_t* from, int64_t size) {
    write(to->reserve(*this, size), from, size);
    return to->data();
  }
  // Until all that was queued is done.
  void wait() { check(cudaStreamSynchronize(stream_)); }

  bool failed() const { return error_ != cudaSuccess; }
  bool lacks_memory() const { return error_ == cudaErrorMemoryAllocation; }
  std::string problem() const {
    if (error_ != cudaErrorMemoryAllocation) return cudaGetErrorString(error_);
    return wanted_ ? lack_of_memory(wanted_, 0) : lack_;
  }
  // After a lack of memory the next picture may be smaller.
  void forget_problem() {
    cudaGetLastError();  // clears errors of other code, which a launch would report
    if (error_ == cudaErrorMemoryAllocation) error_ = cudaSuccess;
  }

 private:
  bool check(cudaError_t error) {
    if (error == cudaSuccess) return true;
    if (error_ == cudaSuccess) error_ = error;
    cudaGetLastError();  // clears the error, which later calls would report again
    return false;
  }

  // Places of 32 bits are all that CUB needs then; with 64 it reads and writes more.
  bool is_short(int64_t size) { return check(size <= UINT32_MAX ? cudaSuccess : cudaErrorInvalidValue); }

  static constexpr size_t kSpare = size_t{64} << 20;  // what CUDA itself takes, and is lost between blocks

  cudaStream_t stream_;
  bool reads_pages_ = false;
  cudaError_t error_ = cudaSuccess;
  size_t wanted_ = 0;  // bytes, when memory was last asked for
  std::string lack_;
  Array<char> scratch_;
};

}  // namespace splatzip::cuda
