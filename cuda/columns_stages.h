// Decoding a batch of tiles of codec COLUMNS, stage by stage (decode_stages.h is the other codec):
//
//     cells -> points: neighbours, coordinates -> values of all components -> rows of the outputs
#pragma once
#include "columns_values.h"

namespace splatzip::cuda {

enum class ColumnsStage { cells, points, values, rows };
constexpr int kColumnsStages = 4;

template <ColumnsStage kStage>
constexpr bool kIsByChunk = kStage == ColumnsStage::cells || kStage == ColumnsStage::values;

template <ColumnsStage kStage>
inline int64_t units_of(const ColumnsJob& job) {
  return static_cast<int64_t>(job.chunk_count) * (kIsByChunk<kStage> ? 1 : job.group_count);
}

template <ColumnsStage kStage, class Warp>
SPLZ_ON_WARP void run_unit(const Warp& warp, const ColumnsJob& job, int64_t unit, ColumnStreams* streams) {
  const int64_t c = kIsByChunk<kStage> ? unit : unit / job.group_count;
  const PointsChunk& chunk = job.chunks[c];
  // A flag a stage: no unit reads what another one of its stage writes.
  for (int before = 0; before < static_cast<int>(kStage); ++before)
    if (job.corrupt[before * job.chunk_count + c]) return;
  bool is_legal = true;
  if constexpr (kStage == ColumnsStage::cells) {
    is_legal = decode_cells(warp, job, chunk);
  } else if constexpr (kStage == ColumnsStage::values) {
    is_legal = decode_points(warp, job, chunk, streams);
  } else {
    const int first = static_cast<int>(unit % job.group_count) * kLanes;
    typename Warp::template Lanes<bool> wrong(false);
    warp.each([&](int lane) {
      const int k = first + lane;
      if (k >= chunk.n) return;
      if constexpr (kStage == ColumnsStage::points) {
        find_near(job, chunk, pass_of_place(*job.params, chunk.n, k), k);
        wrong[lane] = !put_coordinates(job, chunk, k);
      } else {
        wrong[lane] = !put_point(job, chunk, k);
      }
    });
    is_legal = warp.ballot(wrong) == 0;
  }
  if (is_legal) return;
  warp.each([&](int lane) {
    if (lane == 0) job.corrupt[static_cast<int>(kStage) * job.chunk_count + c] = 1;
  });
}

}  // namespace splatzip::cuda
