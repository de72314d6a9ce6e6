// What outlives a call in a machine's memory: blocks, and a scene's arrays in one of them.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "raster.h"

namespace splatzip::cuda {

class DeviceBlock {
 public:
  virtual ~DeviceBlock() = default;
  virtual uint8_t* data() = 0;
  // To the host, after all work that was queued. What went wrong, or nothing.
  virtual std::string read(void* to, size_t offset, size_t bytes) = 0;
};

template <class Machine>
class BlockOfMachine : public DeviceBlock {
 public:
  // On the machine's stream and of its memory; null if there is not so much, and the machine knows.
  static std::unique_ptr<DeviceBlock> make(Machine& machine, size_t bytes) {
    auto block = std::make_unique<BlockOfMachine>(machine);
    return block->bytes_.reserve_exactly(machine, static_cast<int64_t>(bytes)) ? std::move(block) : nullptr;
  }
  explicit BlockOfMachine(const Machine& machine) : machine_(machine.sibling()) {}
  uint8_t* data() override { return bytes_.data(); }
  std::string read(void* to, size_t offset, size_t bytes) override {
    machine_.forget_problem();
    machine_.read(static_cast<uint8_t*>(to), bytes_.data() + offset, static_cast<int64_t>(bytes));
    return machine_.failed() ? machine_.problem() : std::string();
  }

 private:
  Machine machine_;
  typename Machine::template Array<uint8_t> bytes_;
};

// The five arrays side by side in one block, each at a multiple of 256 bytes.
struct DeviceScene {
  int64_t splats = 0;
  int sh_degree = 0;
  SceneArrays<float> arrays = {};
  std::unique_ptr<DeviceBlock> block;

  static constexpr size_t kAlignment = 256;
  static constexpr size_t aligned(size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }
  static int coefficients(int sh_degree) { return (sh_degree + 1) * (sh_degree + 1); }
  static size_t bytes_for(int64_t splats, int sh_degree) {
    const size_t n = static_cast<size_t>(splats) * sizeof(float);
    return 2 * aligned(3 * n) + aligned(4 * n) + aligned(n) +
           aligned(3 * static_cast<size_t>(coefficients(sh_degree)) * n);
  }
  void lay_out(std::unique_ptr<DeviceBlock> memory, int64_t count, int degree) {
    block = std::move(memory), splats = count, sh_degree = degree;
    uint8_t* next = block->data();
    const auto take = [&](int values) {
      float* array = reinterpret_cast<float*>(next);
      next += aligned(static_cast<size_t>(values) * static_cast<size_t>(count) * sizeof(float));
      return array;
    };
    arrays.positions = take(3);
    arrays.log_scales = take(3);
    arrays.rotations = take(4);
    arrays.opacity_logits = take(1);
    arrays.sh = take(3 * coefficients(degree));
  }
  // One of the arrays, `values` floats a splat, to the host. What went wrong, or nothing.
  std::string read(float* to, const float* array, int values) const {
    const size_t bytes = static_cast<size_t>(values) * static_cast<size_t>(splats) * sizeof(float);
    return block->read(to, static_cast<size_t>(reinterpret_cast<const uint8_t*>(array) - block->data()), bytes);
  }
};

}  // namespace splatzip::cuda
