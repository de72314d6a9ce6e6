#include "memory.h"

#include <cuda_runtime.h>

namespace splatzip::cuda {

void* take_device_memory(size_t bytes) {
  void* block = nullptr;
  if (cudaMalloc(&block, bytes ? bytes : 1) == cudaSuccess) return block;
  cudaGetLastError();
  return nullptr;
}

void give_device_memory(void* block) {
  if (block && cudaFree(block) != cudaSuccess) cudaGetLastError();
}

}  // namespace splatzip::cuda
