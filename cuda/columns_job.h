// What a GPU decodes codec COLUMNS from, into, and with: plain data, filled by columns_plan.cpp, read by the stages.
//
// Pointers are valid where the stages run. Sizes were checked on the host against the bytes that exist; what a stage
// reads or writes follows from them, never from a decoded value alone.
#pragma once
#include <cstdint>

#include "decode_job.h"

namespace splatzip::cuda {

constexpr int kNearPoints = 4;
constexpr int kPointStreams = 32;  // of components, by layer
// Places of a chunk's streams: those of the octree and the coordinates by their ids, then those of components.
constexpr int kLowStream = 6, kFirstOfComponents = 7, kChunkStreams = kFirstOfComponents + 2 * kPointStreams;
SPLZ_HD int first_of_layer(int layer) { return kFirstOfComponents + layer * kPointStreams; }

// A tile: its chunk of layer 0, and that of layer 1 beside it.
struct PointsChunk {
  int32_t n;
  int64_t at;       // its first place in the planes, a multiple of 32
  int64_t row;      // its first row in the outputs
  int32_t earlier;  // -1: no tile before it is asked for
  int32_t octree_levels, low_bits;
  uint32_t origin[3];
  bool has_rest;  // layer 1 is there
  StreamPlace streams[kChunkStreams];
};

// Where numbers go: bits [shift, shift + bits) of every `stride`th item, which are zero before. No items: nowhere.
struct ColumnGoal {
  uint8_t* items;
  int32_t item_bytes, stride, shift, bits;
  bool folded;
};

enum class Feature : int32_t { value, near_sum, error, spread, distance, offset, square };
struct FeatureTerm {
  Feature kind;
  int32_t component, weight;
};

// A component; offsets count from ColumnsJob::constants.
struct PointColumn {
  int32_t layer, stream, mode, raw_bits, axis, center, offset_shift;
  uint32_t size;
  int32_t level_bias, error_bias, level_terms, error_terms;
  uint32_t terms;  // FeatureTerm, those of the level first
  int32_t first_context, error_cuts, level_cuts, pair[2];
  uint32_t cuts;      // int32, those of the error first
  int32_t errors_at;  // its plane of errors, or -1
  bool has_alphabet;
  uint32_t alphabet;  // uint32
  ColumnGoal goal;
};

struct ColumnsParams {
  int32_t components, halvings, map_size;
  bool neighbours;
  uint32_t columns;        // PointColumn
  uint32_t map, level_of;  // int32
  ColumnGoal coordinates[3];
  uint32_t* prefix;  // by row, or null: what coordinate 0 holds from bit prefix_shift on
  int32_t prefix_shift;
};

// One value a point, side by side for all chunks. Those of the octree by rank, the others by place.
struct PointsPlanes {
  uint64_t *cells, *nodes[2];
  uint8_t *parents[2], *node_contexts;
  int32_t *node_symbols, *rare;
  uint16_t* near[kNearPoints];  // places
  uint8_t* distance;
  uint16_t *values, *errors;  // by component, `stride` apart
  int64_t stride;
};

using ColumnsJob = JobOf<PointsChunk, ColumnsParams, PointsPlanes>;

}  // namespace splatzip::cuda
