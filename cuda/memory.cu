#include "memory.h"

#include <cuda_runtime.h>

namespace splatzip::cuda {

void* take_pinned_memory(size_t bytes) {
  void* block = nullptr;
  if (cudaMallocHost(&block, bytes ? bytes : 1) == cudaSuccess) return block;
  cudaGetLastError();
  return nullptr;
}

void give_pinned_memory(void* block) {
  if (block && cudaFreeHost(block) != cudaSuccess) cudaGetLastError();
}

}  // namespace splatzip::cuda
