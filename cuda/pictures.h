// Pictures that others are compared with again and again: they stay on the GPU, as 16-bit floats (77 dB and more).
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

namespace splatzip::cuda {

struct StoredPicture {
  int width, height;
  const uint16_t* numbers;  // (height, width, 3), of the GPU
};

class Pictures {
 public:
  virtual ~Pictures() = default;
  virtual size_t count() const = 0;
  virtual const StoredPicture& at(size_t number) const = 0;
  // A picture of the CPU, (height, width, 3).
  virtual bool add(const float* picture, int width, int height) = 0;
  // Room for `count` more of one size, one behind the other, which the caller fills. Null: memory is short.
  virtual uint16_t* add_empty(int64_t count, int width, int height) = 0;

  // Why something was refused.
  virtual std::string problem() const = 0;
};

}  // namespace splatzip::cuda
