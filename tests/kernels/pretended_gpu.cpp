// What a GPU would not do, or do otherwise: each case by its name. tests/kernels/test_pretended_gpu.py says what
// becomes of it.
#include <cstdio>
#include <cstring>
#include <cub/device/device_radix_sort.cuh>
#include <vector>

#include "cuda_runtime.h"

namespace {

constexpr int kCount = 64;

struct Job {
  uint32_t* values;
  int count;  // and padding behind it
};
__global__ void fill(Job job) {
  const int at = static_cast<int>(blockIdx.x) * 32 + static_cast<int>(threadIdx.x);
  const uint32_t mirrored = __shfl_sync(~0u, threadIdx.x, 31 - static_cast<int>(threadIdx.x));
  const uint32_t odd = __ballot_sync(~0u, threadIdx.x % 2);
  if (at < job.count) job.values[at] = mirrored + __shfl_up_sync(~0u, odd & 1u, 1) + blockIdx.x;
}
__global__ void part_ways(Job) {
  if (threadIdx.x < 16) __syncwarp();
}

template <class Kernel>
void launch(Kernel kernel, Job job, unsigned blocks = kCount / 32) {
  cudaLaunchConfig_t config = {};
  config.gridDim = dim3(blocks);
  config.blockDim = dim3(32);
  cudaLaunchKernelEx(&config, kernel, job);
}
uint32_t* taken(int count = kCount) {
  void* block = nullptr;
  cudaMallocAsync(&block, sizeof(uint32_t) * static_cast<size_t>(count), nullptr);
  return static_cast<uint32_t*>(block);
}
std::vector<uint32_t> read(const uint32_t* from) {
  std::vector<uint32_t> found(kCount);
  cudaMemcpyAsync(found.data(), from, kCount * sizeof(uint32_t), cudaMemcpyDeviceToHost, nullptr);
  cudaStreamSynchronize(nullptr);
  return found;
}

int kernels_and_sorts() {
  uint32_t *keys = taken(), *values = taken();
  launch(fill, {keys, kCount});
  std::vector<uint32_t> numbers(kCount);
  for (uint32_t i = 0; i < kCount; ++i) numbers[i] = i;
  cudaMemcpyAsync(values, numbers.data(), kCount * sizeof(uint32_t), cudaMemcpyHostToDevice, nullptr);
  numbers.assign(kCount, 0);  // it was put aside
  cub::DoubleBuffer<uint32_t> by(keys, taken()), what(values, taken());
  size_t bytes = 0;
  cub::DeviceRadixSort::SortPairs(nullptr, bytes, by, what, kCount, 0, 5, nullptr);
  cub::DeviceRadixSort::SortPairs(taken(), bytes, by, what, kCount, 0, 5, nullptr);
  const std::vector<uint32_t> key = read(by.Current()), value = read(what.Current());
  // Block 1 adds 1 to 31 - thread: of keys below 32, those of equal ones keep their order, 32 counts as 0.
  return key[0] == 0 && value[0] == 31 && key[1] == 32 && value[1] == 32 && key[2] == 1 && value[2] == 30 &&
                 value[3] == 63
             ? 0
             : 1;
}
int not_zero() { return read(taken())[0] == 0xA5A5A5A5 ? 0 : 1; }
int waits() {
  void* block = nullptr;
  cudaMallocHost(&block, kCount * sizeof(uint32_t));
  uint32_t *pinned = static_cast<uint32_t*>(block), *there = taken();
  pinned[0] = 1;
  cudaMemcpyAsync(there, pinned, kCount * sizeof(uint32_t), cudaMemcpyHostToDevice, nullptr);
  pinned[0] = 2;  // too early
  return read(there)[0] == 2 ? 0 : 1;
}
int too_much() {
  void* block = nullptr;
  const bool refused = cudaMallocAsync(&block, size_t{1} << 40, nullptr) == cudaErrorMemoryAllocation;
  return refused && cudaGetLastError() == cudaErrorMemoryAllocation && cudaGetLastError() == cudaSuccess ? 0 : 1;
}
int host_reads() {
  const uint32_t* there = taken();
  cudaStreamSynchronize(nullptr);
  return static_cast<int>(*there);
}
int behind_the_end() {
  launch(fill, {taken(kCount - 4), kCount});
  return static_cast<int>(cudaStreamSynchronize(nullptr));
}
int freed() {
  uint32_t* there = taken();
  cudaFreeAsync(there, nullptr);
  launch(fill, {there, kCount});
  return static_cast<int>(cudaStreamSynchronize(nullptr));
}
int pointer_of_the_host() {
  std::vector<uint32_t> here(kCount);
  launch(fill, {here.data(), kCount});
  return 0;
}
int uploaded_pointer() {
  std::vector<uint32_t> here(kCount);
  const uint32_t* address = here.data();
  cudaMemcpyAsync(taken(), &address, sizeof address, cudaMemcpyHostToDevice, nullptr);
  return 0;
}
int copy_the_wrong_way() {
  uint32_t* there = taken();
  cudaMemcpyAsync(there, there, 4, cudaMemcpyHostToDevice, nullptr);
  return 0;
}
int threads_apart() {
  launch(part_ways, {taken(), kCount});
  return static_cast<int>(cudaStreamSynchronize(nullptr));
}

}  // namespace

int main(int, char** words) {
#define CASE(name) \
  if (!std::strcmp(words[1], #name)) return name()
  CASE(kernels_and_sorts);
  CASE(not_zero);
  CASE(waits);
  CASE(too_much);
  CASE(host_reads);
  CASE(behind_the_end);
  CASE(freed);
  CASE(pointer_of_the_host);
  CASE(uploaded_pointer);
  CASE(copy_the_wrong_way);
  CASE(threads_apart);
  return 2;
}
