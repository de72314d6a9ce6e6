// Vectors for planes: growth leaves new elements as they are, and memory can go around.
#pragma once
#include <memory>
#include <vector>

namespace splatzip {

// While one exists, planes of its thread reuse the memory of earlier planes: a fresh page costs more than what a
// decoder writes to it. Its memory is freed at its end; planes may live on.
class RecycledMemory {
 public:
  RecycledMemory();
  ~RecycledMemory();
  RecycledMemory(const RecycledMemory&) = delete;
  RecycledMemory& operator=(const RecycledMemory&) = delete;

  // What this thread's planes gave back goes back to the system.
  static void drop();

  // Large blocks begin at a cache line.
  static void* take(size_t bytes);
  static void give(void* block, size_t bytes);

 private:
  std::vector<void*> blocks_;
  RecycledMemory* outer_;
};

// Gives the whole pages of a block back to the system: their contents are lost, and they stop being resident.
void forget_pages(const void* block, size_t bytes);

template <class T>
struct NoInit : std::allocator<T> {
  template <class U>
  struct rebind {
    using other = NoInit<U>;
  };
  NoInit() = default;
  template <class U>
  NoInit(const NoInit<U>&) noexcept {}
  T* allocate(size_t count) { return static_cast<T*>(RecycledMemory::take(count * sizeof(T))); }
  void deallocate(T* block, size_t count) { RecycledMemory::give(block, count * sizeof(T)); }
  template <class U>
  void construct(U* at) noexcept {
    ::new (static_cast<void*>(at)) U;
  }
  template <class U, class... Args>
  void construct(U* at, Args&&... args) {
    ::new (static_cast<void*>(at)) U(std::forward<Args>(args)...);
  }
};

template <class T>
using Uninitialised = std::vector<T, NoInit<T>>;

}  // namespace splatzip
