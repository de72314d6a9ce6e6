#include "uninitialised.h"

#include <new>

namespace splatzip {
namespace {

constexpr size_t kLeast = 4096;  // smaller blocks are left to malloc

// Tiles differ by a few splats, so blocks come in sizes of which one in eight bits is used.
size_t rounded(size_t bytes) {
  size_t step = kLeast / 8;
  while (step * 16 <= bytes) step *= 2;
  return (bytes + step - 1) / step * step;
}

thread_local RecycledMemory* g_current = nullptr;

}  // namespace

RecycledMemory::RecycledMemory() : outer_(g_current) { g_current = this; }

RecycledMemory::~RecycledMemory() {
  g_current = outer_;
  for (const Block& block : blocks_) ::operator delete(block.data);
}

void* RecycledMemory::take(size_t bytes) {
  if (bytes < kLeast) return ::operator new(bytes);
  bytes = rounded(bytes);
  if (g_current) {
    auto& blocks = g_current->blocks_;
    for (size_t b = blocks.size(); b-- > 0;) {  // the latest is the warmest
      if (blocks[b].bytes != bytes) continue;
      void* data = blocks[b].data;
      blocks.erase(blocks.begin() + static_cast<std::ptrdiff_t>(b));
      return data;
    }
  }
  return ::operator new(bytes);
}

void RecycledMemory::give(void* block, size_t bytes) {
  if (!g_current || bytes < kLeast) return ::operator delete(block);
  g_current->blocks_.push_back({block, rounded(bytes)});
}

}  // namespace splatzip
