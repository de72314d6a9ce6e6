#include "uninitialised.h"

#include <new>

namespace splatzip {
namespace {

constexpr size_t kLeast = 4096;  // smaller blocks are left to malloc
constexpr std::align_val_t kLine{64};
constexpr size_t kHeader = 64;  // holds how many bytes follow

// Tiles differ by a few splats, so blocks come in sizes of which one in eight bits is used.
size_t rounded(size_t bytes) {
  size_t step = kLeast / 8;
  while (step * 16 <= bytes) step *= 2;
  return (bytes + step - 1) / step * step;
}

size_t& size_of(void* block) { return *reinterpret_cast<size_t*>(static_cast<char*>(block) - kHeader); }

void* new_block(size_t bytes) {
  void* block = static_cast<char*>(::operator new(bytes + kHeader, kLine)) + kHeader;
  size_of(block) = bytes;
  return block;
}

void delete_block(void* block) { ::operator delete(static_cast<char*>(block) - kHeader, kLine); }

thread_local RecycledMemory* g_current = nullptr;

}  // namespace

RecycledMemory::RecycledMemory() : outer_(g_current) { g_current = this; }

RecycledMemory::~RecycledMemory() {
  g_current = outer_;
  for (void* block : blocks_) delete_block(block);
}

void* RecycledMemory::take(size_t bytes) {
  if (bytes < kLeast) return ::operator new(bytes);
  bytes = rounded(bytes);
  if (g_current) {
    auto& blocks = g_current->blocks_;
    size_t best = blocks.size();
    for (size_t b = blocks.size(); b-- > 0;) {  // the latest is the warmest
      const size_t size = size_of(blocks[b]);
      if (size < bytes || size > bytes + bytes / 4) continue;
      if (best == blocks.size() || size < size_of(blocks[best])) best = b;
      if (size == bytes) break;
    }
    if (best < blocks.size()) {
      void* block = blocks[best];
      blocks.erase(blocks.begin() + static_cast<std::ptrdiff_t>(best));
      return block;
    }
  }
  return new_block(bytes);
}

void RecycledMemory::give(void* block, size_t bytes) {
  if (bytes < kLeast) return ::operator delete(block);
  if (!g_current) return delete_block(block);
  g_current->blocks_.push_back(block);
}

}  // namespace splatzip
