// Decoding codec COLUMNS, whatever machine it runs on: uploads, stages in their order, the memory between them.
#pragma once
#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "columns_plan.h"
#include "columns_stages.h"
#include "decode.h"
#include "dequantize.h"
#include "machine.h"
#include "uploaded_file.h"

namespace splatzip::cuda {

// Where a tile is one warp's work, warps are few and go to multiprocessors of their own.
template <ColumnsStage kStage>
struct RunColumnsStage {
  struct Nothing {};
  using Shared = std::conditional_t<kStage == ColumnsStage::values, ColumnStreams, Nothing>;
  static constexpr int kWarps = kIsByChunk<kStage> ? 1 : 4;
  ColumnsJob job;
  template <class Warp>
  SPLZ_WARP void run(const Warp& warp, int64_t unit, [[maybe_unused]] Shared* shared) const {
    if constexpr (kStage == ColumnsStage::values) {
      run_unit<kStage>(warp, job, unit, shared);
    } else {
      run_unit<kStage>(warp, job, unit, nullptr);
    }
  }
};

template <class Machine>
class ColumnsPipeline {
 public:
  DecodeStatus decode(Machine& machine, UploadedFile<Machine>& uploaded, const ColumnsCall& call, DeviceCodes* codes) {
    int64_t splats = 0, largest = 0;
    for (const ColumnsTile& tile : call.tiles) splats += tile.n, largest = std::max(largest, padded(tile.n));
    const size_t outputs = codes->lay_out(call.shapes, splats);
    const size_t later = call.scene_degree < 0 ? 0
                                               : DequantizePipeline<Machine>::bytes_for(splats, call.scene_degree,
                                                                                        call.prefix_array >= 0);
    const size_t fixed = outputs + later + uploaded.growth(call.file_bytes);
    PointsPlanes unused;
    const int64_t most_rows = batch_.most_rows(
        machine, fixed, largest, [&](int64_t rows) { return lay_out_planes(rows, call.spec, nullptr, &unused); });
    if (machine.failed()) return DecodeStatus::failed;
    codes->block = BlockOfMachine<Machine>::make(machine, outputs);
    if (!codes->block) return DecodeStatus::failed;
    machine.clear(codes->block->data(), static_cast<int64_t>(outputs));
    const uint8_t* there = uploaded.upload(machine, call.file, call.file_bytes);
    const ColumnsOutput out = codes->outputs(call);
    int64_t row = 0;
    for (size_t first = 0, end = 0; first < call.tiles.size(); first = end) {
      int64_t rows = 0, points = 0;
      for (end = first; end < call.tiles.size() && (end == first || rows + padded(call.tiles[end].n) <= most_rows);
           ++end)
        rows += padded(call.tiles[end].n), points += call.tiles[end].n;
      ColumnsPlan plan;
      if (!plan_columns(call.spec, call.tables, call.tiles.data() + first, end - first, row, out, call.file, there,
                        &plan))
        return DecodeStatus::refused;
      const DecodeStatus status = decode_batch(machine, call.spec, plan);
      if (status != DecodeStatus::ok) return status;
      row += points;
    }
    return machine.failed() ? DecodeStatus::failed : DecodeStatus::ok;
  }

  size_t bytes() const { return batch_.bytes(); }
  void forget() { batch_.forget(); }

 private:
  static int64_t padded(int64_t points) { return (points + kLanes - 1) / kLanes * kLanes; }

  DecodeStatus decode_batch(Machine& machine, const ColumnsSpec& spec, ColumnsPlan& plan) {
    ColumnsJob job{};
    const auto lay_out = [&](uint8_t* block, PointsPlanes* planes) {
      return lay_out_planes(plan.rows, spec, block, planes);
    };
    if (!batch_.upload(machine, plan, kColumnsStages * plan.chunks.size(), lay_out, &job)) return DecodeStatus::failed;
    run<ColumnsStage::cells>(machine, job);
    run<ColumnsStage::points>(machine, job);
    run<ColumnsStage::values>(machine, job);
    run<ColumnsStage::rows>(machine, job);
    return batch_.verdict(machine);
  }

  template <ColumnsStage kStage>
  static void run(Machine& machine, const ColumnsJob& job) {
    machine.run(RunColumnsStage<kStage>{job}, units_of<kStage>(job));
  }

  UploadedPlan<Machine> batch_;
};

}  // namespace splatzip::cuda
