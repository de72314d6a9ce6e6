// Decoding a batch of chunks, stage by stage: what one warp does to one unit of a stage. The units of a stage do not
// depend on each other, stages do on those before them.
//
//     cells (a wave a tier) -> coordinates -> neighbours -> sizes -> steps
//           -> codes: rotations | positions | colour, SH -> values -> outputs
//
// decode.cu runs all units of a stage at once; emulation/decode.cpp one after another. A chunk that is corrupt is left
// alone from then on.
#pragma once
#include "decode_colors.h"
#include "decode_geometry.h"
#include "decode_octree.h"
#include "decode_rotations.h"

namespace splatzip::cuda {

enum class Stage { cells, coordinates, neighbours, sizes, steps, codes, values, outputs };

// Units that run side by side each have a flag of their own for a corrupt chunk, so that none reads another's.
enum Finder { kGeometry, kColors, kRotations, kPositions, kFinders };

// What a stage goes through: chunks from `first` on.
struct StageRange {
  int64_t first, chunks;
};

// Pairs of values: two of the colour, then those of SH.
SPLZ_HD int64_t value_pairs(int rest) { return 2 + (3 * rest + 1) / 2; }

inline int64_t units_of(Stage stage, const DecodeJob& job, StageRange range, int rest) {
  switch (stage) {
    case Stage::cells:
    case Stage::sizes: return range.chunks;
    case Stage::codes: return (kFinders - kColors) * range.chunks;
    case Stage::values: return range.chunks * value_pairs(rest);
    default: return range.chunks * job.group_count;
  }
}

SPLZ_ON_WARP bool is_corrupt(const DecodeJob& job, int64_t chunk) {
  uint32_t found = 0;
  for (int finder = 0; finder < kFinders; ++finder) found |= job.corrupt[finder * job.chunk_count + chunk];
  return found != 0;
}

template <class Warp>
SPLZ_ON_WARP void mark_corrupt(const Warp& warp, const DecodeJob& job, int finder, int64_t chunk) {
  warp.each([&](int lane) {
    if (lane == 0) job.corrupt[finder * job.chunk_count + chunk] = 1;
  });
}

template <class Warp>
SPLZ_ON_WARP bool decode_codes_of(const Warp& warp, const DecodeJob& job, const DecodeChunk& chunk, int finder) {
  if (finder == kColors)
    return decode_color_codes(warp, job, chunk) && (!chunk.has_sh || decode_sh_codes(warp, job, chunk));
  return finder == kRotations ? decode_rotations(warp, job, chunk) : decode_positions(warp, job, chunk);
}

template <class Warp>
SPLZ_ON_WARP void write_outputs(const Warp& warp, const DecodeJob& job, const DecodeChunk& chunk, int first) {
  typename Warp::template Lanes<bool> strange(false);
  warp.each([&](int lane) {
    const int row = first + lane;
    if (row >= chunk.n) return;
    bool is_legal = write_quaternion(job, chunk, row);
    is_legal = transform_row(job, chunk, false, row) && is_legal;
    if (chunk.has_sh) {
      is_legal = transform_row(job, chunk, true, row) && is_legal;
    } else {
      clear_sh(job, chunk, row);
    }
    strange[lane] = !is_legal;
  });
  if (warp.ballot(strange) == 0) return;
  warp.each([&](int lane) {
    if (lane == 0) job.no_scene[&chunk - job.chunks] = 1;
  });
}

template <Stage kStage, class Warp>
SPLZ_ON_WARP void run_unit(const Warp& warp, const DecodeJob& job, StageRange range, int64_t unit) {
  if constexpr (kStage == Stage::cells) {
    const int64_t c = range.first + unit;
    if (!decode_cells(warp, job, job.chunks[c])) mark_corrupt(warp, job, kGeometry, c);
  } else if constexpr (kStage == Stage::sizes) {
    const int64_t c = range.first + unit;
    if (is_corrupt(job, c)) return;
    if (!decode_opacity(warp, job, job.chunks[c]) || !decode_scales(warp, job, job.chunks[c]))
      mark_corrupt(warp, job, kGeometry, c);
  } else if constexpr (kStage == Stage::codes) {
    const int64_t c = range.first + unit % range.chunks;
    const int finder = kColors + static_cast<int>(unit / range.chunks);
    if (job.corrupt[c]) return;  // by its geometry
    if (!decode_codes_of(warp, job, job.chunks[c], finder)) mark_corrupt(warp, job, finder, c);
  } else if constexpr (kStage == Stage::values) {
    const int64_t pairs = value_pairs(job.params->rest), c = range.first + unit / pairs, pair = unit % pairs;
    if (is_corrupt(job, c)) return;
    const DecodeChunk& chunk = job.chunks[c];
    const bool is_sh = pair >= 2;
    const int first = static_cast<int>(2 * (is_sh ? pair - 2 : pair)), width = is_sh ? 3 * job.params->rest : 3;
    if (is_sh && !chunk.has_sh) return;
    warp.each([&](int lane) {
      const int v = first + lane / 16, run = lane % 16;
      if (run < chunk.runs && v < width) rebuild_values(job, chunk, is_sh, v, run);
    });
  } else {
    const int64_t c = range.first + unit / job.group_count;
    const int first = static_cast<int>(unit % job.group_count) * kLanes;
    const DecodeChunk& chunk = job.chunks[c];
    if (first >= chunk.n || is_corrupt(job, c)) return;
    if constexpr (kStage == Stage::outputs) {
      write_outputs(warp, job, chunk, first);
    } else {
      warp.each([&](int lane) {
        const int row = first + lane;
        if (row >= chunk.n) return;
        if constexpr (kStage == Stage::coordinates) find_coordinates(job, chunk, row);
        if constexpr (kStage == Stage::neighbours) find_neighbours(job, chunk, row);
        if constexpr (kStage == Stage::steps) find_steps(job, chunk, row);
      });
    }
  }
}

}  // namespace splatzip::cuda
