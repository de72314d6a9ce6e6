// Vectors whose growth leaves new elements as they are: for planes that are written before they are read.
#pragma once
#include <memory>
#include <vector>

namespace splatzip {

template <class T>
struct NoInit : std::allocator<T> {
  template <class U>
  struct rebind {
    using other = NoInit<U>;
  };
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
