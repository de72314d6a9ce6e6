#include "emulation/decode.h"

#include <memory>

#include "decode_plan.h"
#include "decode_stages.h"
#include "float_mode.h"

namespace splatzip::cuda {
namespace {

template <Stage kStage>
void emulate(const DecodeJob& job, StageRange range, bool falling) {
  const EmulatedWarp warp(falling);
  const int64_t units = units_of(kStage, job, range, job.params->rest);
  for (int64_t unit = 0; unit < units; ++unit) run_unit<kStage>(warp, job, range, falling ? units - 1 - unit : unit);
}

}  // namespace

Status emulate_stepped(const SteppedParams& params, const std::vector<TableChunk>& tables,
                       const std::vector<ChunkBytes>& chunks, bool falling, const SceneOutput& out) {
  const ExactFloats exact;
  const uint8_t* file = chunks.empty() ? nullptr : chunks[0].data;
  DecodePlan plan;
  if (!plan_decoding(params, tables, chunks.data(), chunks.size(), file, file, &plan)) return Status::corrupt;
  DecodeJob job{};
  const size_t bytes = lay_out_planes(plan.rows, params, nullptr, &job.planes);
  // Not zeros: what is read before it is written shall show.
  const std::unique_ptr<uint64_t[]> block(new uint64_t[bytes / 8 + 1]);
  std::fill_n(block.get(), bytes / 8 + 1, 0xA5A5A5A5A5A5A5A5ull);
  lay_out_planes(plan.rows, params, reinterpret_cast<uint8_t*>(block.get()), &job.planes);
  const int64_t count = static_cast<int64_t>(plan.chunks.size());
  std::vector<uint32_t> corrupt(static_cast<size_t>(kFinders * count)), no_scene(static_cast<size_t>(count));
  job.chunk_count = static_cast<int32_t>(count);
  job.group_count = plan.group_count;
  job.chunks = plan.chunks.data();
  job.constants = plan.constants.data();
  job.sets = plan.sets.data();
  job.params = &plan.params;
  job.corrupt = corrupt.data();
  job.no_scene = no_scene.data();
  job.positions = out.positions;
  job.log_scales = out.log_scales;
  job.rotations = out.rotations;
  job.opacity_logits = out.opacity_logits;
  job.sh = out.sh;
  for (const Wave& wave : plan.waves) emulate<Stage::cells>(job, {wave.first, wave.count}, falling);
  const StageRange all{0, count};
  emulate<Stage::coordinates>(job, all, falling);
  emulate<Stage::neighbours>(job, all, falling);
  emulate<Stage::sizes>(job, all, falling);
  emulate<Stage::steps>(job, all, falling);
  emulate<Stage::codes>(job, all, falling);
  emulate<Stage::values>(job, all, falling);
  emulate<Stage::outputs>(job, all, falling);
  for (uint32_t found : corrupt)
    if (found) return Status::corrupt;
  for (uint32_t found : no_scene)
    if (found) return Status::scene;
  return Status::ok;
}

}  // namespace splatzip::cuda
