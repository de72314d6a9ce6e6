// Decoding codec STEPPED, whatever machine it runs on: what is uploaded, which stages follow each other, the memory
// between them.
#pragma once
#include <algorithm>
#include <vector>

#include "decode.h"
#include "decode_plan.h"
#include "decode_stages.h"
#include "machine.h"
#include "uploaded_file.h"

namespace splatzip::cuda {

// Where a chunk is one warp's work, warps are few and go to multiprocessors of their own.
template <Stage kStage>
struct RunStage {
  struct Shared {};
  static constexpr int kWarps = kStage == Stage::cells || kStage == Stage::sizes || kStage == Stage::codes ? 1 : 4;
  DecodeJob job;
  StageRange range;
  template <class Warp>
  SPLZ_WARP void run(const Warp& warp, int64_t unit, Shared*) const {
    run_unit<kStage>(warp, job, range, unit);
  }
};

// Rows of planes that a chunk takes.
inline int64_t rows_of(const ChunkBytes& chunk) {
  return chunk.layer == 0 ? (chunk.splats + kLanes - 1) / kLanes * kLanes : 0;
}

// The first chunk behind as many whole tiles from `first` on as have no more than `most` rows, but at least one tile.
inline size_t end_of_batch(const std::vector<ChunkBytes>& chunks, size_t first, int64_t most, int64_t* rows) {
  *rows = 0;
  size_t end = first;
  while (end < chunks.size()) {
    size_t next = end;
    int64_t of_tile = 0;
    for (; next < chunks.size() && chunks[next].tile == chunks[end].tile; ++next) of_tile += rows_of(chunks[next]);
    if (end > first && *rows + of_tile > most) break;
    *rows += of_tile;
    end = next;
  }
  return end;
}

template <class Machine>
class SteppedPipeline {
 public:
  DecodeStatus decode(Machine& machine, UploadedFile<Machine>& uploaded, const SteppedParams& params,
                      const std::vector<TableChunk>& tables, const std::vector<ChunkBytes>& chunks, const uint8_t* file,
                      size_t file_bytes, DeviceScene* scene) {
    int64_t splats = 0, largest = 0, rows = 0;  // largest: rows of a tile
    for (size_t c = 0; c < chunks.size(); largest = std::max(largest, rows)) c = end_of_batch(chunks, c, 0, &rows);
    for (const ChunkBytes& chunk : chunks) splats += chunk.layer == 0 ? chunk.splats : 0;
    DecodePlanes unused;
    const size_t outputs = DeviceScene::bytes_for(splats, params.sh_degree);
    const size_t fixed = outputs + uploaded.growth(file_bytes);
    const int64_t most_rows = batch_.most_rows(
        machine, fixed, largest, [&](int64_t count) { return lay_out_planes(count, params, nullptr, &unused); });
    if (machine.failed()) return DecodeStatus::failed;
    auto block = BlockOfMachine<Machine>::make(machine, outputs);
    if (!block) return DecodeStatus::failed;
    scene->lay_out(std::move(block), splats, params.sh_degree);
    const uint8_t* there = uploaded.upload(machine, file, file_bytes);
    for (size_t first = 0, end = 0; first < chunks.size(); first = end) {
      end = end_of_batch(chunks, first, most_rows, &rows);
      const DecodeStatus status =
          decode_batch(machine, params, tables, chunks.data() + first, end - first, file, there, scene->arrays);
      if (status != DecodeStatus::ok) return status;
    }
    return machine.failed() ? DecodeStatus::failed : DecodeStatus::ok;
  }

  size_t bytes() const { return batch_.bytes(); }
  void forget() { batch_.forget(); }

 private:
  DecodeStatus decode_batch(Machine& machine, const SteppedParams& params, const std::vector<TableChunk>& tables,
                            const ChunkBytes* chunks, size_t count, const uint8_t* file, const uint8_t* file_there,
                            const SceneArrays<float>& outputs) {
    DecodePlan plan;
    if (!plan_decoding(params, tables, chunks, count, file, file_there, &plan)) return DecodeStatus::refused;
    DecodeJob job{};
    const auto lay_out = [&](uint8_t* block, DecodePlanes* planes) {
      return lay_out_planes(plan.rows, params, block, planes);
    };
    if (!batch_.upload(machine, plan, (kFinders + 1) * plan.chunks.size(), lay_out, &job)) return DecodeStatus::failed;
    job.no_scene = job.corrupt + kFinders * plan.chunks.size();
    job.positions = outputs.positions;
    job.log_scales = outputs.log_scales;
    job.rotations = outputs.rotations;
    job.opacity_logits = outputs.opacity_logits;
    job.sh = outputs.sh;

    for (const Wave& wave : plan.waves) run<Stage::cells>(machine, job, {wave.first, wave.count}, plan);
    const StageRange all{0, job.chunk_count};
    run<Stage::coordinates>(machine, job, all, plan);
    run<Stage::neighbours>(machine, job, all, plan);
    run<Stage::sizes>(machine, job, all, plan);
    run<Stage::steps>(machine, job, all, plan);
    run<Stage::codes>(machine, job, all, plan);
    run<Stage::values>(machine, job, all, plan);
    run<Stage::outputs>(machine, job, all, plan);
    return batch_.verdict(machine);
  }

  template <Stage kStage>
  static void run(Machine& machine, const DecodeJob& job, StageRange range, const DecodePlan& plan) {
    machine.run(RunStage<kStage>{job, range}, units_of(kStage, job, range, plan.params.rest));
  }

  UploadedPlan<Machine> batch_;
};

}  // namespace splatzip::cuda
