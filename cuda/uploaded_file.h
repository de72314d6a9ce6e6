// What both decoders upload: the compressed file, and what their plans laid out.
#pragma once
#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "decode.h"
#include "plan_streams.h"

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

// What a plan laid out, its planes, and what stages find wrong with it; memory serves the next batch.
template <class Machine>
class UploadedPlan {
 public:
  // How many rows a batch may have beside `fixed` bytes, where planes of so many rows take plane_bytes(rows); the
  // machine fails where not even the largest tile would fit.
  template <class PlaneBytes>
  int64_t most_rows(Machine& machine, size_t fixed, int64_t largest, PlaneBytes plane_bytes) const {
    if (!machine.has_room(fixed + planes_.growth_exactly(static_cast<int64_t>(plane_bytes(largest))))) return 0;
    const size_t row_bytes = plane_bytes(kManyRows) / kManyRows + 1;
    const size_t there = machine.room(), for_planes = there + planes_.bytes() - std::min(fixed, there);
    return static_cast<int64_t>(for_planes / row_bytes / 10 * 9);
  }

  // One upload: what the plan made, part behind part. flags: words that are 0 before stages run. lay_out(block,
  // planes) lays out planes and returns their bytes. False: the machine failed.
  template <class Chunk, class Params, class Planes, class LayOut>
  bool upload(Machine& machine, PlanOf<Chunk, Params>& plan, size_t flags, LayOut lay_out,
              JobOf<Chunk, Params, Planes>* job) {
    const size_t chunks_at = append(plan.constants, plan.chunks.data(), plan.chunks.size() * sizeof(Chunk));
    const size_t sets_at = append(plan.constants, plan.sets.data(), plan.sets.size() * sizeof(RansSet));
    const size_t params_at = append(plan.constants, &plan.params, sizeof plan.params);
    const int64_t bytes = static_cast<int64_t>(plan.constants.size());
    uint8_t* there = constants_.reserve(machine, bytes);
    uint8_t* planes = planes_.reserve_exactly(machine, static_cast<int64_t>(lay_out(nullptr, &job->planes)));
    flag_count_ = static_cast<int64_t>(flags);
    job->corrupt = flags_.reserve(machine, flag_count_);
    if (machine.failed()) return false;
    lay_out(planes, &job->planes);
    job->chunk_count = static_cast<int32_t>(plan.chunks.size());
    job->group_count = plan.group_count;
    job->chunks = reinterpret_cast<const Chunk*>(there + chunks_at);
    job->constants = there;
    job->sets = reinterpret_cast<const RansSet*>(there + sets_at);
    job->params = reinterpret_cast<const Params*>(there + params_at);
    machine.write(there, plan.constants.data(), bytes);
    machine.clear(job->corrupt, flag_count_);
    return true;
  }

  // Once all stages ran.
  DecodeStatus verdict(Machine& machine) {
    std::vector<uint32_t> found(static_cast<size_t>(flag_count_));
    machine.read(found.data(), flags_.data(), flag_count_);
    if (machine.failed()) return DecodeStatus::failed;
    const bool all_legal = std::all_of(found.begin(), found.end(), [](uint32_t flag) { return flag == 0; });
    return all_legal ? DecodeStatus::ok : DecodeStatus::refused;
  }

  size_t bytes() const { return constants_.bytes() + planes_.bytes(); }
  void forget() { constants_.release(), planes_.release(), flags_.release(); }

 private:
  typename Machine::template Array<uint8_t> constants_, planes_;
  typename Machine::template Array<uint32_t> flags_;
  int64_t flag_count_ = 0;
};

}  // namespace splatzip::cuda
