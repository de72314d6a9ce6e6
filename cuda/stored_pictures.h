// Pictures over a machine.
#pragma once
#include <memory>
#include <vector>

#include "pictures.h"
#include "raster_math.h"

namespace splatzip::cuda {

struct ToHalves {
  struct Shared {};
  static constexpr int kOfLane = 8;  // that lie a warp apart
  const float* numbers;
  int64_t count;
  uint16_t* halves;

  int64_t warps() const { return (count + kOfLane * kLanes - 1) / (kOfLane * kLanes); }

  template <class Warp>
  SPLZ_WARP void run(const Warp& warp, int64_t part, Shared*) const {
    warp.own([&](int lane) {
      SPLZ_UNROLL
      for (int k = 0; k < kOfLane; ++k) {
        const int64_t at = (part * kOfLane + k) * kLanes + lane;
        if (at < count) halves[at] = to_half(numbers[at]);
      }
    });
  }
};

template <class Machine>
class PicturesOf : public Pictures {
 public:
  explicit PicturesOf(const Machine& beside) : machine_(beside.sibling()) {}

  size_t count() const override { return stored_.size(); }
  const StoredPicture& at(size_t number) const override { return stored_.at(number); }

  bool add(const float* picture, int width, int height) override {
    const int64_t numbers = int64_t{3} * width * height;
    uint16_t* halves = add_empty(1, width, height);
    float* floats = uploaded_.reserve(machine_, numbers);
    machine_.write(floats, picture, numbers);
    const ToHalves job = {floats, numbers, halves};
    machine_.run(job, job.warps());
    return !machine_.failed();
  }

  uint16_t* add_empty(int64_t count, int width, int height) override {
    const int64_t numbers = int64_t{3} * width * height;
    auto block = std::make_unique<Array<uint16_t>>();
    if (!machine_.has_room(block->growth_exactly(count * numbers))) return nullptr;
    uint16_t* first = block->reserve_exactly(machine_, count * numbers);
    if (machine_.failed()) return nullptr;
    blocks_.push_back(std::move(block));
    for (int64_t k = 0; k < count; ++k) stored_.push_back({width, height, first + k * numbers});
    return first;
  }

  std::string problem() const override { return machine_.problem(); }

 private:
  template <class T>
  using Array = typename Machine::template Array<T>;
  Machine machine_;
  Array<float> uploaded_;
  std::vector<std::unique_ptr<Array<uint16_t>>> blocks_;
  std::vector<StoredPicture> stored_;
};

}  // namespace splatzip::cuda
