// Memory aligned to cache lines, from some size on to huge pages where the system has them; never initialised.
#pragma once
#include <cstddef>
#include <cstdlib>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#elif defined(_WIN32)
#include <malloc.h>
#endif

namespace splatzip {

constexpr size_t kHugePage = size_t{1} << 21;

// At least one byte. First touches of what has `large` bytes or more cost a tenth.
inline void* allocate_aligned(size_t bytes, size_t large) {
  const size_t alignment = bytes >= large ? kHugePage : 64, rounded = (bytes + alignment - 1) / alignment * alignment;
#if defined(_WIN32)
  void* data = _aligned_malloc(rounded, alignment);
#else
  void* data = std::aligned_alloc(alignment, rounded);
#endif
  if (!data) throw std::bad_alloc();
#if defined(__linux__)
  if (alignment == kHugePage) madvise(data, bytes, MADV_HUGEPAGE);
#endif
  return data;
}

inline void free_aligned(void* data) {
#if defined(_WIN32)
  _aligned_free(data);
#else
  std::free(data);
#endif
}

}  // namespace splatzip
