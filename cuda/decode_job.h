// What a GPU decodes codec STEPPED from, into, and with: plain data, filled by decode_plan.cpp, read by the stages.
//
// Pointers are valid where the stages run. Sizes were checked on the host against the bytes that exist; what a stage
// reads or writes follows from them, never from a decoded value alone.
#pragma once
#include <cstdint>

#include "splatzip/rans.h"
#include "stepped_kernels.h"

namespace splatzip::cuda {

constexpr int kStreams = 13;  // of a tile's chunk: ids below (native/src/stepped_tile.h)
constexpr int kMostBookedBooks = 8;
constexpr int kSizeTermCount = 7;
constexpr int kMostSizeOfCode = 40;
constexpr uint32_t kLowBitsShift = 8, kTableMask = (1u << kLowBitsShift) - 1;

// A table set (FORMAT.md 4.2). Offsets count from DecodeJob::constants.
struct RansSet {
  uint32_t table_of;  // uint32 (64): of a context its table, and above kLowBitsShift how many bits of a value go raw
  uint32_t hints, starts;
  bool escapes, any_raw;  // any_raw: symbols may not say it all
};

struct StreamPlace {
  const uint8_t* bytes;  // states and words, then raw bits; nullptr: not there
  uint32_t word_bytes, raw_bytes;
  int32_t lanes, set;
};

// A chunk of layer 0, and that of layer 1 beside it.
struct DecodeChunk {
  int32_t n, runs;
  int64_t at;       // its first row in the planes, a multiple of 32
  int64_t row;      // its first row in the outputs
  int32_t earlier;  // the chunk of the same tile and the tier before, or -1
  bool has_sh;
  int64_t origin[3];
  double unit;  // 2^exponent
  int32_t mantissa, octree_levels, low_levels, unit_level;
  int32_t cell;  // spacing of neighbours one cell apart
  StreamPlace streams[kStreams];
};

struct Rule {
  float base;
  int32_t most, weight[kFeatures];
};
struct ScaleStep {
  Rule rule;
  int32_t power, inverse, log2_base, predict[kScaleTerms];  // inverse: 2^24 / power
};
struct Book {
  int32_t first, count, entries;
  uint32_t values, sizes;  // int16 (count, entries), uint8 (entries)
  float expect[kSizeTermCount];
};
struct Books {
  int32_t count, from_step;
  Book books[kMostBookedBooks];
};
enum BookedRows { kBookedSh, kBookedScales, kBookedRotations, kBookedKinds };

// SteppedParams, and what follows from them.
struct DecodeParams {
  int32_t sh_degree, rest;  // coefficients a colour above degree 0
  bool classes;
  int32_t features, scale_reference, opacity_levels;
  float softness;
  ScaleStep scales[3];
  Rule axis[2], spin[2], position, color, sh;
  float color_basis[9], sh_color_basis[9];
  uint32_t sh_basis;           // float (rest, rest), by component
  uint32_t shares[2];          // float (kDistances 8, values) of the colour and of SH
  uint32_t expect;             // float (3 + 3 rest, kSizeTermCount)
  uint32_t logit, log2_alpha;  // float and int32, by opacity code
  uint32_t log2_table, exp2_table;
  Books books[kBookedKinds];
  bool by_books[kBookedKinds];
};

// One value a row, side by side for all chunks.
struct DecodePlanes {
  uint64_t *cells, *nodes[2];
  uint8_t *parents[2], *node_contexts;
  int32_t *node_symbols, *rare;
  float* coordinates[3];
  int32_t* near_row[kNeighbours];  // in the chunk
  float* near_weight[kNeighbours];
  int32_t* features[kFeatures];
  uint8_t* distance;
  int32_t* residuals[3];
  int32_t* means[2];
  float* axes[9];
  float *axis_step, *spin_step;
  float* steps[2];   // of the colour, of SH
  float* apart[2];   // how far the neighbours are expected to be, in those
  uint64_t* sizes;   // SizeState
  int32_t* sh_rows;  // rows of SH by books, then those by numbers
  float* values;     // colour's 3, then SH's 3 rest planes of `value_stride` floats: codes, then what they stand for
  int64_t value_stride;
};

// What stages of either codec are given.
template <class Chunk, class Params, class Planes>
struct JobOf {
  int32_t chunk_count, group_count;  // group_count: groups of 32 rows in the largest chunk
  const Chunk* chunks;
  const uint8_t* constants;
  const RansSet* sets;
  const Params* params;
  Planes planes;
  uint32_t* corrupt;  // by who found it and chunk: (kFinders or stages, chunk_count)
};

struct DecodeJob : JobOf<DecodeChunk, DecodeParams, DecodePlanes> {
  uint32_t* no_scene;  // by chunk: its codes are legal, what they stand for is not
  float *positions, *log_scales, *rotations, *opacity_logits, *sh;
};

}  // namespace splatzip::cuda
