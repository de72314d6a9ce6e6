// What the kernels and device_machine.h ask of CUDA, by a GPU that this machine pretends to have: the .cu files,
// compiled by the host's compiler, run as they are, so that what surrounds kernels is tested, too
// (scripts/pretend_gpu).
//
//   launch, copy, clear, free -> queue of the stream -> all of it when the host waits
//
// - A thread is a fiber. Threads of a warp run one after the other up to the next collective function.
// - Memory of the device can be touched only while queued work runs, and has gaps that nothing may touch: the host
//   reading it, an index beyond an array and memory that was freed end the program. It is not zero at first.
// - A pointer to the host's memory in what a kernel is given, or in what is uploaded, ends the program: a GPU could not
//   read there.
// - Nothing is done before the host waits, as late as a GPU may do it.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <utility>

#define __global__
#define __device__
#define __forceinline__ inline
#define __shared__ static
#define __grid_constant__
#define __launch_bounds__(threads)

enum cudaError_t {
  cudaSuccess = 0,
  cudaErrorInvalidValue = 1,
  cudaErrorMemoryAllocation = 2,
  cudaErrorInsufficientDriver = 35,
  cudaErrorNoDevice = 100,
};
enum cudaMemcpyKind { cudaMemcpyHostToDevice = 1, cudaMemcpyDeviceToHost = 2 };
enum cudaDeviceAttr { cudaDevAttrPageableMemoryAccessUsesHostPageTables = 100 };
enum cudaMemPoolAttr {
  cudaMemPoolAttrReleaseThreshold = 4,
  cudaMemPoolAttrReservedMemCurrent = 5,
  cudaMemPoolAttrUsedMemCurrent = 7,
};
using cudaStream_t = struct CUstream_st*;
using cudaMemPool_t = struct CUmemPoolHandle_st*;

struct dim3 {
  unsigned x = 1, y = 1, z = 1;
  dim3() = default;
  dim3(unsigned size) : x(size) {}
};
struct cudaLaunchConfig_t {
  dim3 gridDim, blockDim;
  size_t dynamicSmemBytes = 0;
  cudaStream_t stream = nullptr;
};
struct cudaDeviceProp {
  char name[256];
  int major, minor, multiProcessorCount;
  size_t totalGlobalMem;
};

inline thread_local dim3 threadIdx, blockIdx;

const char* cudaGetErrorString(cudaError_t error);
cudaError_t cudaGetLastError();
cudaError_t cudaGetDeviceCount(int* count);
cudaError_t cudaGetDevice(int* device);
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device);
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device);
cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t* pool, int device);
cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t pool, cudaMemPoolAttr attribute, void* value);
cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t pool, cudaMemPoolAttr attribute, void* value);
cudaError_t cudaMemGetInfo(size_t* left, size_t* total);
cudaError_t cudaDriverGetVersion(int* version);
cudaError_t cudaRuntimeGetVersion(int* version);
cudaError_t cudaMallocHost(void** block, size_t bytes);
cudaError_t cudaFreeHost(void* block);
cudaError_t cudaMallocAsync(void** block, size_t bytes, cudaStream_t stream);
cudaError_t cudaFreeAsync(void* block, cudaStream_t stream);
cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream);
cudaError_t cudaMemsetAsync(void* block, int value, size_t bytes, cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);

namespace pretended {

// Done when the host waits.
void enqueue(std::function<void()> work);
// Ends the program unless these bytes are the device's and were taken.
void require_there(const void* at, size_t bytes, const char* what);
// Overwrites bytes whose contents are undefined from here on.
void spoil(void* at, size_t bytes);
// Ends the program if there is a pointer to the host's memory among the bytes.
void refuse_host_pointers(const void* values, size_t bytes, const char* what);
template <class T>
void refuse_host_pointers_in(T value) {
  __builtin_clear_padding(&value);
  refuse_host_pointers(&value, sizeof value, "a kernel's argument");
}
// All threads of a block, warp after warp.
void run_block(unsigned block, unsigned threads, const std::function<void()>& body);
// What each thread of the warp gives, in the order of the lanes; there until the meeting after the next.
const uint64_t* exchange(uint64_t value);

}  // namespace pretended

template <class... Parameters, class... Arguments>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t* config, void (*kernel)(Parameters...),
                               Arguments&&... arguments) {
  const unsigned blocks = config->gridDim.x, threads = config->blockDim.x;
  (pretended::refuse_host_pointers_in(arguments), ...);
  pretended::enqueue([=] {
    for (unsigned block = 0; block < blocks; ++block)
      pretended::run_block(block, threads, [&] { kernel(arguments...); });
  });
  return cudaSuccess;
}

inline void __syncwarp() { pretended::exchange(0); }
inline unsigned __ballot_sync(unsigned, bool says) {
  const uint64_t* all = pretended::exchange(says);
  unsigned mask = 0;
  for (int lane = 0; lane < 32; ++lane) mask |= static_cast<unsigned>(all[lane]) << lane;
  return mask;
}
template <class T>
T __shfl_sync(unsigned, T value, int lane) {
  static_assert(sizeof(T) <= sizeof(uint64_t));
  uint64_t word = 0;
  std::memcpy(&word, &value, sizeof(T));
  std::memcpy(&value, pretended::exchange(word) + (lane & 31), sizeof(T));
  return value;
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned distance) {
  const int lane = static_cast<int>(threadIdx.x) % 32, from = lane - static_cast<int>(distance);
  return __shfl_sync(mask, value, from < 0 ? lane : from);
}
