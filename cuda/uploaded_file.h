// What both decoders upload: the compressed file, and what their plans laid out.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "device_scene.h"

namespace splatzip::cuda {

constexpr int64_t kManyRows = 1 << 16;  // enough to know what a row of planes takes

template <class Machine>
class UploadedFile {
 public:
  size_t growth(size_t bytes) const { return bytes_.growth(static_cast<int64_t>(bytes)); }
  const uint8_t* upload(Machine& machine, const uint8_t* file, size_t bytes) {
    return machine.upload(&bytes_, file, static_cast<int64_t>(bytes));
  }
  size_t bytes() const { return bytes_.bytes(); }
  void release() { bytes_.release(); }

 private:
  typename Machine::template Array<uint8_t> bytes_;
};

// Behind what is there; where that is.
inline size_t append(std::vector<uint8_t>& constants, const void* data, size_t bytes) {
  const size_t at = DeviceScene::aligned(constants.size());
  constants.resize(at + bytes);
  if (bytes) std::copy_n(static_cast<const uint8_t*>(data), bytes, constants.data() + at);
  return at;
}

}  // namespace splatzip::cuda
