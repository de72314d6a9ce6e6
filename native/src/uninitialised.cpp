#include "uninitialised.h"

#include <cstdint>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace splatzip {
namespace {

constexpr size_t kLeast = 4096;  // smaller blocks are left to malloc
constexpr size_t kLine = 64;

// Stands before a block.
struct Header {
  void* allocated;
  size_t bytes;
};

// Tiles differ by a few splats, so blocks come in sizes of which one in eight bits is used.
size_t rounded(size_t bytes) {
  size_t step = kLeast / 8;
  while (step * 16 <= bytes) step *= 2;
  return (bytes + step - 1) / step * step;
}

Header* header_of(void* block) { return static_cast<Header*>(block) - 1; }
size_t size_of(void* block) { return header_of(block)->bytes; }

// Aligned by hand: the padding of the library's aligned allocation was up to a third of the blocks'
// memory.
void* new_block(size_t bytes) {
  void* allocated = ::operator new(bytes + kLine + sizeof(Header));
  const uintptr_t at = (reinterpret_cast<uintptr_t>(allocated) + sizeof(Header) + kLine - 1) / kLine * kLine;
  void* block = reinterpret_cast<void*>(at);
  *header_of(block) = {allocated, bytes};
  return block;
}

void delete_block(void* block) { ::operator delete(header_of(block)->allocated); }

// The same, and its pages stop being resident: an allocator keeps what lies between blocks in use.
void delete_pages(void* block) {
  forget_pages(block, size_of(block));
  delete_block(block);
}

thread_local RecycledMemory* g_current = nullptr;

}  // namespace

void forget_pages([[maybe_unused]] const void* block, [[maybe_unused]] size_t bytes) {
#if defined(__linux__)
  static const uintptr_t page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const uintptr_t at = reinterpret_cast<uintptr_t>(block), first = (at + page - 1) / page * page;
  const uintptr_t end = (at + bytes) / page * page;
  if (end > first) madvise(reinterpret_cast<void*>(first), end - first, MADV_DONTNEED);
#endif
}

RecycledMemory::RecycledMemory() : outer_(g_current) { g_current = this; }

RecycledMemory::~RecycledMemory() {
  g_current = outer_;
  for (void* block : blocks_) delete_block(block);
}

void RecycledMemory::drop() {
  if (!g_current) return;
  for (void* block : g_current->blocks_) delete_pages(block);
  g_current->blocks_.clear();
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
    // None fits: the oldest make room for it, so that no more is held than was once in use.
    size_t freed = 0, oldest = 0;
    while (oldest < blocks.size() && freed < bytes) {
      freed += size_of(blocks[oldest]);
      delete_block(blocks[oldest++]);
    }
    blocks.erase(blocks.begin(), blocks.begin() + static_cast<std::ptrdiff_t>(oldest));
  }
  return new_block(bytes);
}

void RecycledMemory::give(void* block, size_t bytes) {
  if (bytes < kLeast) return ::operator delete(block);
  if (!g_current) return delete_block(block);
  g_current->blocks_.push_back(block);
}

}  // namespace splatzip
