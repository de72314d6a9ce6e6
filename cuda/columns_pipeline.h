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
    const size_t least = lay_out_planes(largest, call.spec, nullptr, &unused);
    if (!machine.has_room(fixed + planes_.growth_exactly(static_cast<int64_t>(least)))) return DecodeStatus::failed;
    const size_t row_bytes = lay_out_planes(kManyRows, call.spec, nullptr, &unused) / kManyRows + 1;
    const size_t for_planes = machine.room() + planes_.bytes() - std::min(fixed, machine.room());
    const int64_t most_rows = static_cast<int64_t>(for_planes / row_bytes / 10 * 9);
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
      const DecodeStatus status = decode_batch(machine, call.spec, std::move(plan));
      if (status != DecodeStatus::ok) return status;
      row += points;
    }
    return machine.failed() ? DecodeStatus::failed : DecodeStatus::ok;
  }

  size_t bytes() const { return constants_.bytes() + planes_.bytes(); }
  void forget() { constants_.release(), planes_.release(), corrupt_.release(); }

 private:
  static int64_t padded(int64_t points) { return (points + kLanes - 1) / kLanes * kLanes; }

  DecodeStatus decode_batch(Machine& machine, const ColumnsSpec& spec, ColumnsPlan plan) {
    std::vector<uint8_t> constants = std::move(plan.constants);
    const size_t chunks_at = append(constants, plan.chunks.data(), plan.chunks.size() * sizeof(PointsChunk));
    const size_t sets_at = append(constants, plan.sets.data(), plan.sets.size() * sizeof(RansSet));
    const size_t params_at = append(constants, &plan.params, sizeof plan.params);

    ColumnsJob job{};
    const int64_t flags = static_cast<int64_t>(kColumnsStages * plan.chunks.size());
    const size_t plane_bytes = lay_out_planes(plan.rows, spec, nullptr, &job.planes);
    uint8_t* there = constants_.reserve(machine, static_cast<int64_t>(constants.size()));
    uint8_t* planes = planes_.reserve_exactly(machine, static_cast<int64_t>(plane_bytes));
    uint32_t* corrupt = corrupt_.reserve(machine, flags);
    if (machine.failed()) return DecodeStatus::failed;
    lay_out_planes(plan.rows, spec, planes, &job.planes);
    job.chunk_count = static_cast<int32_t>(plan.chunks.size());
    job.group_count = plan.group_count;
    job.chunks = reinterpret_cast<const PointsChunk*>(there + chunks_at);
    job.constants = there;
    job.sets = reinterpret_cast<const RansSet*>(there + sets_at);
    job.params = reinterpret_cast<const ColumnsParams*>(there + params_at);
    job.corrupt = corrupt;

    machine.write(there, constants.data(), static_cast<int64_t>(constants.size()));
    machine.clear(corrupt, flags);
    run<ColumnsStage::cells>(machine, job);
    run<ColumnsStage::points>(machine, job);
    run<ColumnsStage::values>(machine, job);
    run<ColumnsStage::rows>(machine, job);
    std::vector<uint32_t> found(static_cast<size_t>(flags));
    machine.read(found.data(), corrupt, flags);
    if (machine.failed()) return DecodeStatus::failed;
    const bool all_legal = std::all_of(found.begin(), found.end(), [](uint32_t flag) { return flag == 0; });
    return all_legal ? DecodeStatus::ok : DecodeStatus::refused;
  }

  template <ColumnsStage kStage>
  static void run(Machine& machine, const ColumnsJob& job) {
    machine.run(RunColumnsStage<kStage>{job}, units_of<kStage>(job));
  }

  typename Machine::template Array<uint8_t> constants_, planes_;
  typename Machine::template Array<uint32_t> corrupt_;
};

}  // namespace splatzip::cuda
