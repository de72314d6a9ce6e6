// Run-time choice of an instruction set. Each table is filled by one translation unit (isa_*.cpp), all from the
// same source (isa_kernels.inl); every instruction set gives the same bits.
#pragma once
#include <cstdint>

#include "splatzip/rounding.h"
#include "stepped_kernels.h"

namespace splatzip {

// Decoding tables of a stream. Small, so that they stay in the first-level cache: a hint says which symbol has the
// first of four slots, the starts say how far the symbol reaches. In WebAssembly, where each instruction costs more
// than a line of the second-level cache, every slot has its hint: there is nothing to search.
#if defined(__wasm__)
constexpr int kHints = 4096;  // of a table
#else
constexpr int kHints = 1024;
#endif
constexpr int kStartStride = 260;  // from table to table: where each of 256 symbols starts, the end, three more
constexpr int kLikelySymbols = 8;
struct RansTables {
  const uint32_t* table;   // (64) of each context
  const uint8_t* hints;    // (tables, kHints); 3 more bytes may be read
  const uint16_t* starts;  // (tables, kStartStride)
  const uint16_t* likely;  // (kLikelySymbols, 16): where symbols 1, 2, .. kLikelySymbols start, table by table
};

// Decodes n symbols of one plane. `states` holds `lanes` states. Returns the first word not taken, or nullptr if the
// words ran out. kSpareWords more may be read.
constexpr int kSpareWords = 2 * 32;
using RansDecodePlane = const uint16_t* (*)(uint32_t* states, int lanes, const RansTables& tables,
                                            const uint8_t* contexts, uint8_t* symbols, int64_t n, const uint16_t* words,
                                            const uint16_t* words_end);

// What becomes of a decoded row: out[j][rgb] = color * sum over k of values[k] * basis[k][j] (FORMAT.md 5.5).
struct Transform {
  int coefficients;    // components, too
  const float* basis;  // (components, kBasisFloats)
  const float* color;  // (3, 3): coded space -> RGB, row-major
  float* out;          // of splat 0; `out_stride` floats from splat to splat
  int64_t out_stride;
};
constexpr int kBasisFloats = 32;

// Rows whose values are at hand while rows are rebuilt: a block, and the windows of all runs before it.
constexpr int64_t ring_rows(int64_t runs) { return 2 * kNeighbourWindow * runs; }

// A plane of signed codes, one of: the symbols that they were coded as (zigzag), where those say it all, or the codes
// in 16 or 32 bits. 15 more may be read.
struct CodePlane {
  const uint8_t* symbols;
  const int16_t* shorts;
  const int32_t* values;
};

// Rows of values predicted from neighbours' rows (FORMAT.md 5.3): value = share * (weighted mean) + code * step.
struct PredictedRows {
  int64_t n;
  int64_t runs;
  int width;   // values a row: 3 * components, colour-minor
  int stride;  // floats from row to row, a multiple of 16 and >= width
  Neighbours near;
  const float* shares;         // (8, stride) by distance bucket
  const uint8_t* distance;     // (n)
  const float* steps;          // (n)
  const CodePlane* coded;      // decoder: `width` planes of n
  int32_t* const* codes;       // encoder: the same
  float* ring;                 // (ring_rows(runs), stride) for the values of late rows; encoder: as much again, errors
  const Transform* transform;  // decoder: where the values go
  const float* targets;        // encoder: (n, stride), what the values should be
  float diffusion;             // encoder: share of the neighbours' errors that is taken off the target
  float dead_zone = 0;         // encoder: share of a step by which codes are drawn towards 0
  float most_step;             // encoder: no error shall be larger than half of this
};
using RebuildRows = void (*)(const PredictedRows& rows);

// targets (n, stride) of the encoder: basis * color^T * coefficients, the inverse of Transform for orthonormal bases.
struct ForwardTransform {
  int64_t n;
  int coefficients;
  int stride;
  const float* basis;  // (coefficients, kBasisFloats): by coefficient, then component
  const float* color;  // (3, 3): RGB -> coded space, row-major
  const float* sh;     // source coefficients of row 0
  int64_t sh_stride;
  const int64_t* rows;  // tile row -> source row
  float* targets;
};
using ToTargets = void (*)(const ForwardTransform& transform);

// Symbols of a plane to values, n of them.
using WidenSymbols = void (*)(const uint8_t* symbols, bool is_signed, int32_t* values, int64_t n);

// Marks the symbols of a plane that raw bits complete: those under a context with `extra`, and escapes (symbol ==
// escape; 256: none). Writes their places to `places` (room for n) and returns how many.
using FindIncomplete = int64_t (*)(const uint8_t* contexts, const uint8_t* symbols, const uint8_t* extra, int escape,
                                   int64_t n, int32_t* places);

// Contexts from expected sizes, and what a decoded plane adds to the terms (FORMAT.md 5.4). Sizes of codes are integers
// up to kMostSize. All planes have room for 64 values behind the last.
constexpr int kSizeTerms = 7;
constexpr int kSizeContexts = 64;
constexpr int kMostSize = 40;
struct SizeTerms {
  int64_t n;
  const float *spread, *distance;  // what the distance says in steps and alone
  const uint8_t *channels, *before;
  const uint16_t* sum;    // over all planes before
  float share;            // 1 / how many those are
  const uint16_t* color;  // nullptr: 0
};
using SizeContextsOf = void (*)(const SizeTerms& terms, const float* weights, uint8_t* contexts);
struct SizePlane {
  int64_t n;
  CodePlane codes;
  bool last_of_component;
  uint8_t* channels;  // sum over the component's channels so far
  uint8_t* before;    // of this channel
  uint16_t* sum;
};
using AddSizePlane = void (*)(const SizePlane& plane);

// Codec COLUMNS (FORMAT.md 7.4). Features of a weighted sum, one an element of `data`.
enum class ColumnFeatureKind : uint8_t {
  narrow,  // uint16
  wide,    // int32
  square,  // of uint16: ((value - center) >> shift)^2 modulo 2^16
  offset,  // of int32: min(|value - center|, limit)
};
struct ColumnFeature {
  const void* data;
  int32_t weight;
  ColumnFeatureKind kind = ColumnFeatureKind::narrow;
  int32_t center = 0, shift = 0, limit = 0;
};
// out = (bias + sum of weights * features) >> shift, modulo 2^32 before the shift; then clamped to low..high.
struct WeightedSum {
  const ColumnFeature* features;
  int terms;
  int32_t bias;
  int shift;
  int32_t low, high;
  int64_t n;
  int32_t* out;
};
// Sums of four neighbours' values and (where asked for) how far they spread: sum of |4 value - sum|, at most `limit`.
struct NearValues {
  const uint16_t* values;
  const uint16_t* near[4];
  int64_t n;
  int32_t limit;
  uint16_t* sums;  // or, where they do not fit, nullptr and
  int32_t* wide_sums;
  uint16_t* spreads;
};
// contexts = first + how many row cuts are <= the row * (column cuts + 1) + how many column cuts are <= the column.
struct ContextGrid {
  const int32_t *rows, *row_cuts, *columns, *column_cuts;
  int row_count, column_count, first;
  int64_t n;
  uint8_t* contexts;
};
// values = symbols + rounded level (in 1/16; nullptr: 0), the symbols mirrored where the level's fraction is 8 or more
// and `mirrored` says so. False if one is not in 0..size - 1.
struct ResidualPlane {
  const int32_t* symbols;
  const int32_t* level;
  bool mirrored;
  uint32_t size;
  int64_t n;
  uint16_t* values;
};
// The four smallest keys of each of n points, ascending; key = min(squared distance, most) * window + o for known
// point i + o, o < window (a power of two). Known points may be read 16 values beyond i = n - 1, o = window - 1.
struct NearestKnown {
  const int32_t *x, *y, *z;
  const int32_t *known_x, *known_y, *known_z;
  int window;
  int32_t most;
  int64_t n;
  int32_t* keys[4];
};
constexpr int64_t kDotStep = 64;
struct ColumnKernels {
  void (*weighted_sum)(const WeightedSum& sum);
  void (*sum_neighbours)(const NearValues& near);
  void (*grid_contexts)(const ContextGrid& grid);
  bool (*add_residuals)(const ResidualPlane& plane);
  void (*nearest_known)(const NearestKnown& search);
  // Sum of a[i] b[i], i < n (a multiple of kDotStep). `sums`: so often may two products be added up in 32 bits.
  int64_t (*short_dot)(const int16_t* a, const int16_t* b, int64_t n, int64_t sums);
};

// The entry of a codebook with the least cost - row . entry, for blocks of rows; the first of several. With half an
// entry's squared length (and what its index costs) as its cost, that is the nearest entry.
constexpr int kSearchedRows = 16;  // of a block: 32-bit lanes that hold a pair of a row's 16-bit numbers
struct EntrySearch {
  int64_t blocks;
  int pairs, entries;
  const int32_t* rows;   // (blocks, pairs, kSearchedRows)
  const int32_t* book;   // (entries, pairs)
  const int32_t* costs;  // (entries)
  int32_t* index;        // (blocks, kSearchedRows)
  int32_t* best;         // the same: the least cost - row . entry
};
using NearestEntries = void (*)(const EntrySearch& search);

// Metrics of pictures (metrics.h). A tile of SSIM is kSsimRows x kSsimColumns values (colours count as columns).
constexpr int kSsimReach = 5;  // taps beside the middle one
constexpr int kSsimRows = 128, kSsimColumns = 144;
struct SsimTile {
  const float *a, *b;  // (height, width, 3)
  int64_t height, width;
  const float* taps;            // half of the window, from its middle outwards
  int64_t row, column;          // where the tile starts; column counts floats
  double ssim[3], contrast[3];  // sums over the tile, by colour
};
struct MetricKernels {
  void (*ssim_tile)(SsimTile* tile);
  double (*squared_error)(const float* a, const float* b, int64_t n);
};

struct RasterKernels;

struct Kernels {
  const char* name;
  RansDecodePlane rans_decode_plane;
  RebuildRows decode_rows, encode_rows;
  ToTargets to_targets;
  WidenSymbols widen_symbols;
  FindIncomplete find_incomplete;
  SizeContextsOf size_contexts;
  AddSizePlane add_size_plane;
  NearestEntries nearest_entries;
  const SteppedKernels* stepped;  // stepped_kernels.h
  const ColumnKernels* columns;
  const MetricKernels* metrics;
  const RasterKernels* raster;  // raster_kernels.h
};

const Kernels& kernels();                     // the best that this machine has, or what SPLATZIP_ISA forces
const char* select_kernels(const char* isa);  // nullptr on success, else why not ("avx512" on a machine without)

extern const Kernels kScalarKernels, kSse4Kernels, kAvx2Kernels, kAvx512Kernels, kNeonKernels, kWasmKernels;

}  // namespace splatzip
