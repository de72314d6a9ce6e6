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
    const size_t least = lay_out_planes(largest, params, nullptr, &unused);
    if (!machine.has_room(fixed + planes_.growth_exactly(static_cast<int64_t>(least)))) return DecodeStatus::failed;
    const size_t row_bytes = lay_out_planes(kManyRows, params, nullptr, &unused) / kManyRows + 1;
    const size_t for_planes = machine.room() + planes_.bytes() - std::min(fixed, machine.room());
    const int64_t most_rows = static_cast<int64_t>(for_planes / row_bytes / 10 * 9);
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

  size_t bytes() const { return constants_.bytes() + planes_.bytes(); }
  void forget() { constants_.release(), planes_.release(), found_.release(); }

 private:
  DecodeStatus decode_batch(Machine& machine, const SteppedParams& params, const std::vector<TableChunk>& tables,
                            const ChunkBytes* chunks, size_t count, const uint8_t* file, const uint8_t* file_there,
                            const SceneArrays<float>& outputs) {
    DecodePlan plan;
    if (!plan_decoding(params, tables, chunks, count, file, file_there, &plan)) return DecodeStatus::refused;
    // One upload: what the plan made, part behind part.
    std::vector<uint8_t> constants = std::move(plan.constants);
    const size_t chunks_at = append(constants, plan.chunks.data(), plan.chunks.size() * sizeof(DecodeChunk));
    const size_t sets_at = append(constants, plan.sets.data(), plan.sets.size() * sizeof(RansSet));
    const size_t params_at = append(constants, &plan.params, sizeof plan.params);

    DecodeJob job{};
    const int64_t found_words = static_cast<int64_t>((kFinders + 1) * plan.chunks.size());
    const size_t plane_bytes = lay_out_planes(plan.rows, params, nullptr, &job.planes);
    uint8_t* there = constants_.reserve(machine, static_cast<int64_t>(constants.size()));
    uint8_t* planes = planes_.reserve_exactly(machine, static_cast<int64_t>(plane_bytes));
    uint32_t* found = found_.reserve(machine, found_words);
    if (machine.failed()) return DecodeStatus::failed;
    lay_out_planes(plan.rows, params, planes, &job.planes);
    job.chunk_count = static_cast<int32_t>(plan.chunks.size());
    job.group_count = plan.group_count;
    job.chunks = reinterpret_cast<const DecodeChunk*>(there + chunks_at);
    job.constants = there;
    job.sets = reinterpret_cast<const RansSet*>(there + sets_at);
    job.params = reinterpret_cast<const DecodeParams*>(there + params_at);
    job.corrupt = found;
    job.no_scene = found + kFinders * plan.chunks.size();
    job.positions = outputs.positions;
    job.log_scales = outputs.log_scales;
    job.rotations = outputs.rotations;
    job.opacity_logits = outputs.opacity_logits;
    job.sh = outputs.sh;

    machine.write(there, constants.data(), static_cast<int64_t>(constants.size()));
    machine.clear(found, found_words);
    for (const Wave& wave : plan.waves) run<Stage::cells>(machine, job, {wave.first, wave.count}, plan);
    const StageRange all{0, job.chunk_count};
    run<Stage::coordinates>(machine, job, all, plan);
    run<Stage::neighbours>(machine, job, all, plan);
    run<Stage::sizes>(machine, job, all, plan);
    run<Stage::steps>(machine, job, all, plan);
    run<Stage::codes>(machine, job, all, plan);
    run<Stage::values>(machine, job, all, plan);
    run<Stage::outputs>(machine, job, all, plan);
    std::vector<uint32_t> words(static_cast<size_t>(found_words));
    machine.read(words.data(), found, found_words);
    if (machine.failed()) return DecodeStatus::failed;
    const bool all_legal = std::all_of(words.begin(), words.end(), [](uint32_t word) { return word == 0; });
    return all_legal ? DecodeStatus::ok : DecodeStatus::refused;
  }

  template <Stage kStage>
  static void run(Machine& machine, const DecodeJob& job, StageRange range, const DecodePlan& plan) {
    machine.run(RunStage<kStage>{job, range}, units_of(kStage, job, range, plan.params.rest));
  }

  typename Machine::template Array<uint8_t> constants_, planes_;
  typename Machine::template Array<uint32_t> found_;
};

}  // namespace splatzip::cuda
