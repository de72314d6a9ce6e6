// Coverage: how well splats have been seen (splatzip/raster/covers.py). What views add to it stays on the device.
//
//   scores of one view -> cover = min(weight, 1) -> total, and taken or a candidate's bytes
//   taken + bytes of a candidate -> gain; the best one's bytes -> taken
#pragma once
#include <memory>
#include <vector>

#include "raster_passes.h"

namespace splatzip::cuda {

constexpr float kCovered = 0.05f;  // less is not seen yet
constexpr int kGainsAtOnce = 64;   // of a lane

struct CoverOf {
  const float* basics;  // of the view's scores, by group
  SPLZ_WARP float operator()(int64_t splat) const {
    const float weight = basics[(splat / kGroup * kScoreBasicRows + kScoreWeight) * kGroup + splat % kGroup];
    return weight < 1.0f ? weight : 1.0f;
  }
};

struct AddCover {
  struct Shared {};
  CoverOf cover;
  int64_t splats;
  float *total, *taken;  // taken: null for a candidate
  uint8_t* bytes;        // of a candidate, rounded up; else null

  template <class Warp>
  SPLZ_WARP void run(const Warp& warp, int64_t group, Shared*) const {
    warp.each([&](int lane) {
      const int64_t splat = group * kGroup + lane;
      if (splat >= splats) return;
      const float seen = cover(splat);
      total[splat] += seen;
      if (taken) taken[splat] += seen;
      if (bytes) bytes[splat] = static_cast<uint8_t>(ceilf(seen * 255.0f));
    });
  }
};

// By group, how many splats that matter a view covers first.
struct CountNew {
  struct Shared {};
  CoverOf cover;
  int64_t splats;
  const float* total;
  const uint8_t* matters;
  uint32_t* counts;

  template <class Warp>
  SPLZ_WARP void run(const Warp& warp, int64_t group, Shared*) const {
    LanesOf<Warp, bool> is;
    warp.each([&](int lane) {
      const int64_t splat = group * kGroup + lane;
      is[lane] = splat < splats && matters[splat] && total[splat] < kCovered && cover(splat) >= kCovered;
    });
    const uint32_t mask = warp.ballot(is);
    warp.each([&](int lane) {
      if (!lane) counts[group] = static_cast<uint32_t>(count_bits(mask));
    });
  }
};

struct MarkMissing {
  struct Shared {};
  int64_t splats;
  const float* total;
  const uint8_t* matters;
  uint8_t* missing;

  template <class Warp>
  SPLZ_WARP void run(const Warp& warp, int64_t group, Shared*) const {
    warp.each([&](int lane) {
      const int64_t splat = group * kGroup + lane;
      if (splat < splats) missing[splat] = matters[splat] && total[splat] < kCovered;
    });
  }
};

SPLZ_WARP float with_cover(float taken, uint8_t bytes) { return taken + static_cast<float>(bytes) * (1.0f / 255.0f); }

// What a candidate adds to the square roots of all that is taken, a part of the sum a warp.
struct CoverGain {
  struct Shared {
    double parts[kLanes];
  };
  int64_t splats;
  const float* taken;
  const uint8_t* bytes;
  double* gains;

  template <class Warp>
  SPLZ_WARP void run(const Warp& warp, int64_t index, Shared* shared) const {
    const int64_t first = index * kLanes * kGainsAtOnce, end = first + kLanes * kGainsAtOnce;
    const int64_t last = end < splats ? end : splats;
    warp.each([&](int lane) {
      double sum = 0;
      for (int64_t i = first + lane; i < last; i += kLanes)
        sum += static_cast<double>(sqrtf(with_cover(taken[i], bytes[i])) - sqrtf(taken[i]));
      shared->parts[lane] = sum;
    });
    warp.each([&](int lane) {
      if (lane) return;
      double sum = 0;
      for (int l = 0; l < kLanes; ++l) sum += shared->parts[l];
      gains[index] = sum;
    });
  }
};

struct TakeCover {
  struct Shared {};
  int64_t splats;
  const uint8_t* bytes;
  float* taken;

  template <class Warp>
  SPLZ_WARP void run(const Warp& warp, int64_t group, Shared*) const {
    warp.each([&](int lane) {
      const int64_t splat = group * kGroup + lane;
      if (splat < splats) taken[splat] = with_cover(taken[splat], bytes[splat]);
    });
  }
};

// Covers of what was scored last: one view, begun for it.
template <class Machine>
class RasterCovers : public RasterPasses<Machine> {
  template <class T>
  using Array = typename Machine::template Array<T>;

 public:
  using RasterPasses<Machine>::RasterPasses;

  bool begin_covers(const uint8_t* matters) {
    Machine& machine = this->machine_;
    const int64_t n = this->splats_;
    candidates_.clear();
    if (!machine.has_room(total_.growth(n) + taken_.growth(n) + matters_.growth(n) + missing_.growth(n))) return false;
    machine.clear(total_.reserve(machine, n), n);
    machine.clear(taken_.reserve(machine, n), n);
    missing_.reserve(machine, n);
    machine.write(matters_.reserve(machine, n), matters, n);
    return !machine.failed();
  }

  bool take_cover() { return add(taken_.data(), nullptr); }
  bool add_candidate() {
    auto bytes = std::make_unique<Array<uint8_t>>();
    if (!this->machine_.has_room(bytes->growth_exactly(this->splats_))) return false;
    bytes->reserve_exactly(this->machine_, this->splats_);
    candidates_.push_back(std::move(bytes));
    return add(nullptr, candidates_.back()->data());
  }

  bool count_new(int64_t* count) {
    Machine& machine = this->machine_;
    uint32_t* counts = counts_.reserve(machine, this->groups_);
    machine.run(CountNew{cover(), this->splats_, total_.data(), matters_.data(), counts}, this->groups_);
    const int64_t parts = (this->groups_ + kSumsAtOnce - 1) / kSumsAtOnce;
    uint64_t* sums = this->sums_.reserve(machine, parts);
    machine.run(SumEntries{counts, this->groups_, sums}, parts);
    std::vector<uint64_t> found(static_cast<size_t>(parts));
    machine.read(found.data(), sums, parts);
    *count = 0;
    for (uint64_t part : found) *count += static_cast<int64_t>(part);
    return !machine.failed();
  }

  bool read_missing(uint8_t* out) {
    this->machine_.run(MarkMissing{this->splats_, total_.data(), matters_.data(), missing_.data()}, this->groups_);
    this->machine_.read(out, missing_.data(), this->splats_);
    return !this->machine_.failed();
  }

  bool gain(size_t candidate, double* gain) {
    Machine& machine = this->machine_;
    constexpr int64_t kOfWarp = kLanes * kGainsAtOnce;
    const int64_t parts = (this->splats_ + kOfWarp - 1) / kOfWarp;
    double* gains = gains_.reserve(machine, parts);
    machine.run(CoverGain{this->splats_, taken_.data(), candidates_[candidate]->data(), gains}, parts);
    std::vector<double> found(static_cast<size_t>(parts));
    machine.read(found.data(), gains, parts);
    *gain = 0;
    for (double part : found) *gain += part;
    return !machine.failed();
  }

  bool take_candidate(size_t candidate) {
    this->machine_.run(TakeCover{this->splats_, candidates_[candidate]->data(), taken_.data()}, this->groups_);
    return !this->machine_.failed();
  }

  size_t candidates() const { return candidates_.size(); }

 private:
  CoverOf cover() const {
    CoverOf found;  // nvcc 13 takes braces off a single member
    found.basics = this->basics_.data();
    return found;
  }
  bool add(float* taken, uint8_t* bytes) {
    this->machine_.run(AddCover{cover(), this->splats_, total_.data(), taken, bytes}, this->groups_);
    return !this->machine_.failed();
  }

  Array<float> total_, taken_;
  Array<uint8_t> matters_, missing_;
  std::vector<std::unique_ptr<Array<uint8_t>>> candidates_;
  Array<uint32_t> counts_;
  Array<double> gains_;
};

}  // namespace splatzip::cuda
