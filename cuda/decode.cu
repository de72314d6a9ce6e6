#include "decode.h"

#include <cuda_runtime.h>

#include <algorithm>

#include "decode_plan.h"
#include "decode_stages.h"
#include "device.h"

namespace splatzip::cuda {
namespace {

constexpr size_t kAlignment = 256;
constexpr size_t aligned(size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

// Warps of a block. Where a chunk is one warp's work, warps are few and go to multiprocessors of their own.
template <Stage kStage>
constexpr int kWarps = kStage == Stage::cells || kStage == Stage::sizes || kStage == Stage::codes ? 1 : 4;

template <Stage kStage>
__global__ void __launch_bounds__(kWarps<kStage>* kLanes)
    run_stage(const __grid_constant__ DecodeJob job, StageRange range, int64_t units) {
  const int64_t unit = static_cast<int64_t>(blockIdx.x) * kWarps<kStage> + threadIdx.x / kLanes;
  if (unit < units) run_unit<kStage>(DeviceWarp(), job, range, unit);
}

template <Stage kStage>
cudaError_t launch(const DecodeJob& job, StageRange range, int rest) {
  const int64_t units = units_of(kStage, job, range, rest), blocks = (units + kWarps<kStage> - 1) / kWarps<kStage>;
  if (blocks == 0) return cudaSuccess;
  if (blocks > INT32_MAX) return cudaErrorInvalidValue;
  run_stage<kStage><<<static_cast<unsigned>(blocks), kWarps<kStage> * kLanes>>>(job, range, units);
  return cudaGetLastError();
}

cudaError_t launch_all(const DecodeJob& job, const std::vector<Wave>& waves, int rest) {
  cudaError_t error = cudaSuccess;
  for (const Wave& wave : waves)
    if (error == cudaSuccess) error = launch<Stage::cells>(job, {wave.first, wave.count}, rest);
  const StageRange all{0, job.chunk_count};
  if (error == cudaSuccess) error = launch<Stage::coordinates>(job, all, rest);
  if (error == cudaSuccess) error = launch<Stage::neighbours>(job, all, rest);
  if (error == cudaSuccess) error = launch<Stage::sizes>(job, all, rest);
  if (error == cudaSuccess) error = launch<Stage::steps>(job, all, rest);
  if (error == cudaSuccess) error = launch<Stage::codes>(job, all, rest);
  if (error == cudaSuccess) error = launch<Stage::values>(job, all, rest);
  if (error == cudaSuccess) error = launch<Stage::outputs>(job, all, rest);
  return error;
}

std::string megabytes(size_t bytes) { return std::to_string((bytes + 999999) / 1000000) + " MB"; }

int64_t rows_of(const ChunkBytes& chunk) {
  return chunk.layer == 0 ? (chunk.splats + kLanes - 1) / kLanes * kLanes : 0;
}

// The first chunk behind as many whole tiles from `first` on as have no more than `most` rows, but at least one tile.
size_t end_of_batch(const std::vector<ChunkBytes>& chunks, size_t first, int64_t most) {
  int64_t rows = 0;
  size_t end = first;
  while (end < chunks.size()) {
    size_t next = end;
    int64_t of_tile = 0;
    for (; next < chunks.size() && chunks[next].tile == chunks[end].tile; ++next) of_tile += rows_of(chunks[next]);
    if (end > first && rows + of_tile > most) break;
    rows += of_tile;
    end = next;
  }
  return end;
}

}  // namespace

size_t DeviceScene::bytes_for(int64_t splats, int sh_degree) {
  const size_t n = static_cast<size_t>(splats), coefficients = static_cast<size_t>((sh_degree + 1) * (sh_degree + 1));
  return 2 * aligned(3 * n * 4) + aligned(4 * n * 4) + aligned(n * 4) + aligned(3 * coefficients * n * 4);
}

bool DeviceScene::allocate(int64_t count, int degree) {
  if (!block.reserve(bytes_for(count, degree))) return false;
  splats = count;
  sh_degree = degree;
  const size_t n = static_cast<size_t>(count);
  uint8_t* next = block.as<uint8_t>();
  const auto take = [&](size_t values) {
    float* array = reinterpret_cast<float*>(next);
    next += aligned(values * n * 4);
    return array;
  };
  positions = take(3);
  log_scales = take(3);
  rotations = take(4);
  opacity_logits = take(1);
  sh = take(3 * static_cast<size_t>((degree + 1) * (degree + 1)));
  return true;
}

const char* DeviceScene::download(const SceneOutput& out) const {
  const size_t n = static_cast<size_t>(splats), coefficients = static_cast<size_t>((sh_degree + 1) * (sh_degree + 1));
  cudaError_t error = cudaSuccess;
  const auto copy = [&](float* to, const float* from, size_t values) {
    if (error == cudaSuccess) error = cudaMemcpy(to, from, values * n * 4, cudaMemcpyDeviceToHost);
  };
  copy(out.positions, positions, 3);
  copy(out.log_scales, log_scales, 3);
  copy(out.rotations, rotations, 4);
  copy(out.opacity_logits, opacity_logits, 1);
  copy(out.sh, sh, 3 * coefficients);
  if (error == cudaSuccess) return nullptr;
  cudaGetLastError();
  return cudaGetErrorString(error);
}

DeviceStatus DeviceDecoder::decode(const SteppedParams& params, const std::vector<TableChunk>& tables,
                                   const std::vector<ChunkBytes>& chunks, const uint8_t* file, size_t file_bytes,
                                   DeviceScene* scene, std::string* why) {
  int64_t splats = 0, largest = 0;  // rows of the largest tile
  for (size_t c = 0; c < chunks.size(); c = end_of_batch(chunks, c, 0)) {
    int64_t rows = 0;
    for (size_t t = c; t < end_of_batch(chunks, c, 0); ++t) rows += rows_of(chunks[t]);
    largest = std::max(largest, rows);
  }
  for (const ChunkBytes& chunk : chunks) splats += chunk.layer == 0 ? chunk.splats : 0;
  // How much memory it takes is known before any is taken.
  DecodePlanes unused;
  constexpr int64_t kManyRows = 1 << 16;
  const size_t row_bytes = lay_out_planes(kManyRows, params, nullptr, &unused) / kManyRows + 1;
  const size_t needed = DeviceScene::bytes_for(splats, params.sh_degree) + aligned(file_bytes) +
                        lay_out_planes(largest, params, nullptr, &unused);
  const size_t kept = file_.bytes() + planes_.bytes() + scene->block.bytes(), there = free_bytes() + kept;
  constexpr size_t kSpare = size_t{64} << 20;  // tables, and what the driver itself takes
  if (needed + kSpare > there) {
    *why = megabytes(needed + kSpare) + " of video memory are needed, " + megabytes(there) + " are free";
    return DeviceStatus::no_memory;
  }
  if (!scene->allocate(splats, params.sh_degree) || !file_.reserve(file_bytes)) {
    *why = megabytes(needed) + " of video memory could not be had";
    return DeviceStatus::no_memory;
  }
  cudaError_t error = cudaMemcpyAsync(file_.as<uint8_t>(), file, file_bytes, cudaMemcpyHostToDevice);
  if (error != cudaSuccess) {
    *why = cudaGetErrorString(cudaGetLastError());
    return DeviceStatus::failed;
  }
  const size_t left =
      there - std::min(there, DeviceScene::bytes_for(splats, params.sh_degree) + aligned(file_bytes) + kSpare);
  const int64_t most_rows = static_cast<int64_t>(left / row_bytes / 10 * 9);
  for (size_t first = 0, end = 0; first < chunks.size(); first = end) {
    end = end_of_batch(chunks, first, most_rows);
    const DeviceStatus status = decode_batch(params, tables, chunks.data() + first, end - first, file, *scene, why);
    if (status != DeviceStatus::ok) return status;
  }
  return DeviceStatus::ok;
}

DeviceStatus DeviceDecoder::decode_batch(const SteppedParams& params, const std::vector<TableChunk>& tables,
                                         const ChunkBytes* chunks, size_t count, const uint8_t* file,
                                         const DeviceScene& scene, std::string* why) {
  DecodePlan plan;
  if (!plan_decoding(params, tables, chunks, count, file, file_.as<uint8_t>(), &plan)) return DeviceStatus::refused;
  // One upload: what the plan made, part behind part.
  std::vector<uint8_t> constants = std::move(plan.constants);
  const auto append = [&](const void* data, size_t bytes) {
    const size_t at = aligned(constants.size());
    constants.resize(at + bytes);
    if (bytes) std::copy_n(static_cast<const uint8_t*>(data), bytes, constants.data() + at);
    return at;
  };
  const size_t chunks_at = append(plan.chunks.data(), plan.chunks.size() * sizeof(DecodeChunk));
  const size_t sets_at = append(plan.sets.data(), plan.sets.size() * sizeof(RansSet));
  const size_t params_at = append(&plan.params, sizeof plan.params);

  DecodeJob job{};
  const size_t found_words = (kFinders + 1) * plan.chunks.size();
  const size_t plane_bytes = lay_out_planes(plan.rows, params, nullptr, &job.planes);
  if (!constants_.reserve(constants.size()) || !planes_.reserve(plane_bytes) || !found_.reserve(found_words * 4)) {
    *why = megabytes(constants.size() + plane_bytes) + " of video memory could not be had";
    return DeviceStatus::no_memory;
  }
  lay_out_planes(plan.rows, params, planes_.as<uint8_t>(), &job.planes);
  uint8_t* there = constants_.as<uint8_t>();
  job.chunk_count = static_cast<int32_t>(plan.chunks.size());
  job.group_count = plan.group_count;
  job.chunks = reinterpret_cast<const DecodeChunk*>(there + chunks_at);
  job.constants = there;
  job.sets = reinterpret_cast<const RansSet*>(there + sets_at);
  job.params = reinterpret_cast<const DecodeParams*>(there + params_at);
  job.corrupt = found_.as<uint32_t>();
  job.no_scene = job.corrupt + kFinders * plan.chunks.size();
  job.positions = scene.positions;
  job.log_scales = scene.log_scales;
  job.rotations = scene.rotations;
  job.opacity_logits = scene.opacity_logits;
  job.sh = scene.sh;

  std::vector<uint32_t> found(found_words);
  cudaError_t error = cudaMemcpyAsync(there, constants.data(), constants.size(), cudaMemcpyHostToDevice);
  if (error == cudaSuccess) error = cudaMemsetAsync(found_.as<uint32_t>(), 0, found_words * 4);
  if (error == cudaSuccess) error = launch_all(job, plan.waves, plan.params.rest);
  if (error == cudaSuccess)
    error = cudaMemcpy(found.data(), found_.as<uint32_t>(), found_words * 4, cudaMemcpyDeviceToHost);
  if (error != cudaSuccess) {
    *why = cudaGetErrorString(error);
    cudaGetLastError();
    return DeviceStatus::failed;
  }
  const bool all_legal = std::all_of(found.begin(), found.end(), [](uint32_t word) { return word == 0; });
  return all_legal ? DeviceStatus::ok : DeviceStatus::refused;
}

void DeviceDecoder::forget() {
  for (DeviceMemory* memory : {&file_, &constants_, &planes_, &found_}) *memory = DeviceMemory();
}

}  // namespace splatzip::cuda
