// Rounding by a machine (raster_pipeline.h): the stages in their order, and the memory between them.
#pragma once
#include <vector>

#include "decode_plan.h"
#include "round_stages.h"

namespace splatzip::cuda {

template <class Machine>
class Rounding {
 public:
  explicit Rounding(Machine* machine) : machine_(*machine) {}

  void begin(const RoundingPlan& plan) {
    plan_ = plan;
    const int64_t count = rows(), sh = 3 * (1 + int64_t{plan.params.rest});
    job_ = {};
    job_.params = plan.round;
    job_.rows = written(&rows_, plan.rows);
    job_.classes = plan.classes.empty() ? nullptr : written(&classes_, plan.classes);
    DecodeJob& decode = job_.decode;
    decode.chunk_count = static_cast<int32_t>(plan.chunks.size());
    decode.group_count = plan.group_count;
    decode.chunks = written(&chunks_, plan.chunks);
    decode.constants = written(&constants_, plan.constants);
    decode.params = written(&params_, std::vector<DecodeParams>{plan.params});
    const int64_t bytes = static_cast<int64_t>(lay_out_planes(count, plan.stepped, nullptr, &decode.planes));
    uint64_t* block = planes_.reserve(machine_, bytes / 8 + 1);
    lay_out_planes(count, plan.stepped, reinterpret_cast<uint8_t*>(block), &decode.planes);
    for (int k = 0; k < 6; ++k) job_.aims[k] = aims_[k].reserve(machine_, count);
    job_.errors = errors_.reserve(machine_, sh * count);
    decode.positions = outputs_[0].reserve(machine_, 3 * count);
    decode.log_scales = outputs_[1].reserve(machine_, 3 * count);
    decode.rotations = outputs_[2].reserve(machine_, 4 * count);
    decode.opacity_logits = outputs_[3].reserve(machine_, count);
    decode.sh = outputs_[4].reserve(machine_, sh * count);
  }

  bool planned() const { return !plan_.chunks.empty(); }
  // Of the outputs and of the planes; padded.
  int64_t rows() const { return static_cast<int64_t>(plan_.rows.size()); }
  const std::vector<int32_t>& sources() const { return plan_.rows; }
  const int32_t* sources_there() const { return rows_.data(); }

  // What a decoder would have of arrays where the machine's memory is.
  void run(const SceneArrays<const float>& source) {
    job_.source = source;
    const RoundJob* job = written(&job_there_, std::vector<RoundJob>{job_});
    run_stage<RoundStage::coordinates>(job);
    run_stage<RoundStage::neighbours>(job);
    run_stage<RoundStage::sizes>(job);
    run_stage<RoundStage::steps>(job);
    run_stage<RoundStage::targets>(job);
    run_stage<RoundStage::chains>(job);
    run_stage<RoundStage::outputs>(job);
  }
  SceneArrays<const float> outputs() const {
    return {outputs_[0].data(), outputs_[1].data(), outputs_[2].data(), outputs_[3].data(), outputs_[4].data()};
  }

 private:
  template <class T>
  using Array = typename Machine::template Array<T>;

  template <class T>
  const T* written(Array<T>* to, const std::vector<T>& from) {
    T* at = to->reserve(machine_, static_cast<int64_t>(from.size()));
    machine_.write(at, from.data(), static_cast<int64_t>(from.size()));
    return at;
  }
  template <RoundStage kStage>
  void run_stage(const RoundJob* job) {
    machine_.run(RoundUnits<kStage>{job}, units_of(kStage, plan_));
  }

  Machine& machine_;
  RoundingPlan plan_;
  RoundJob job_{};
  Array<int32_t> rows_;
  Array<int8_t> classes_;
  Array<DecodeChunk> chunks_;
  Array<uint8_t> constants_;
  Array<DecodeParams> params_;
  Array<uint64_t> planes_;
  Array<RoundJob> job_there_;
  Array<float> aims_[6], errors_, outputs_[5];
};

}  // namespace splatzip::cuda
