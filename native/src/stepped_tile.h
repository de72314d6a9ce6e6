// Codec STEPPED: the splats of one chunk, attribute by attribute (FORMAT.md 6).
//
// Templates over StreamReader and StreamWriter, so that the encoder walks the very path of the decoder: contexts,
// steps and predictions are written once. Where the two differ (`if constexpr (Io::kReading)`) the reader takes a
// code and the writer makes one from the source, then both rebuild the same value.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "isa.h"
#include "splatzip/rounding.h"
#include "splatzip/scene_arrays.h"
#include "stepped_params.h"
#include "streams.h"
#include "uninitialised.h"

namespace splatzip {

constexpr int kShStreams = 4;
constexpr int kShComponents = 24;  // most SH coefficients a colour above degree 0
constexpr int kColorValues = 3 * (1 + kShComponents);
// Streams of a chunk by their id (splatzip/container/layout.py).
enum StreamId {
  kOctree = 1,
  kCount,
  kOpacity,
  kScale,
  kRotation,
  kPositionLow,
  kColor,
  kSh1,
  kSh2,
  kSh3,
  kSh4,
  kShIndex,
  kEntry
};
constexpr int kSteppedStreams = 13;  // of a tile's chunk: ids below

// Components that SH stream s (0..3) holds: [begin, end) of the KLT components.
constexpr int kShBegin[kShStreams + 1] = {0, 3, 8, 15, 24};

// The grid of a tile: position = (origin + mantissa * i) * 2^exponent, i an integer of `levels` bits an axis.
struct TileFrame {
  std::array<int64_t, 3> origin{};  // |origin + mantissa * i| < 2^53
  int mantissa = 1;                 // 1..255
  int exponent = 0;
  int octree_levels = 0;  // coded by the octree
  int low_levels = 0;     // below, raw
  int unit_level = 0;     // a splat with step exponent 0 leaves out so many of the lowest levels
};
void write_frame(ByteWriter& out, const TileFrame& frame);
bool read_frame(ByteReader& in, TileFrame* frame);

// A scene to encode: the caller's arrays.
struct SourceScene : SceneArrays<const float> {
  const int8_t* classes;  // (n, 2) of geometry and colour; null where the parameters have none
  const uint8_t* tiers;   // (n) from 0; null: all splats are of one tier
  int64_t n;
  int tier_count, sh_degree;
};

// The rows of a chunk are so many runs of the Morton curve side by side: row i is splat i / runs of run i % runs. A
// splat is predicted from its own run alone, so that vector lanes can take one run each.
constexpr int64_t kRuns = 16;
constexpr int64_t kShortRun = 64;  // where runs would be shorter, there is one
inline int64_t runs_of(int64_t n) { return n >= kRuns * kShortRun ? kRuns : 1; }

// Calls visit(row, place on the curve) for each row; the first n % runs runs are one longer than the others.
template <class Visit>
void walk_curve(int64_t n, Visit visit) {
  const int64_t runs = runs_of(n);
  int64_t place = 0;
  for (int64_t run = 0; run < runs; ++run)
    for (int64_t row = run; row < n; row += runs) visit(static_cast<size_t>(row), static_cast<size_t>(place++));
}

// One value a row, with room behind for vector code: zeros, so that no lane computes with what memory held before.
template <class T>
struct Plane : Uninitialised<T> {
  void fit(int64_t n, T behind = T{}) {
    this->resize(static_cast<size_t>(plane_room(n)));
    std::fill(this->begin() + n, this->end(), behind);
  }
  void clear_to(int64_t n, T value) {
    this->resize(static_cast<size_t>(plane_room(n)));
    std::fill(this->begin(), this->end(), value);
  }
};
template <class T, size_t Count>
std::array<T*, Count> data_of(std::array<Plane<T>, Count>& planes) {
  std::array<T*, Count> data;
  for (size_t p = 0; p < Count; ++p) data[p] = planes[p].data();
  return data;
}

// Codes of a plane. The reader keeps their symbols where those say it all, else 16 bits where those do.
struct Codes {
  Plane<uint8_t> symbols;
  Plane<int16_t> shorts;
  Plane<int32_t> values;
  CodePlane view() const {
    if (!symbols.empty()) return {symbols.data(), nullptr, nullptr};
    if (!shorts.empty()) return {nullptr, shorts.data(), nullptr};
    return {nullptr, nullptr, values.data()};
  }
};

// Where RGB coefficients of a chunk's splats go: those of row i from first + i * stride on.
struct ColorRows {
  float* first = nullptr;
  int64_t stride = 0;
};

// The writer's errors (splatzip/rounding.h). Not of what comes from books.
using StepErrors = std::array<float, 5>;
constexpr size_t kScaleError = 1, kRotationError = 4;

// What is known of the splats of a chunk while it is coded.
struct TileState {
  int64_t n = 0;
  bool last = false;  // of its file and thread: memory that is free goes back when it is at its peak
  TileFrame frame;
  std::vector<uint64_t> cells;                 // along the curve: ascending
  std::array<Plane<uint32_t>, 3> coordinates;  // of the cells, by row
  std::array<Plane<int32_t>, kNeighbours> near_row;
  std::array<Plane<float>, kNeighbours> near_weight;
  Plane<int32_t> opacity_codes;
  int feature_count = 0;
  std::array<Plane<int32_t>, kFeatures> features;  // the first so many
  std::array<Plane<int32_t>, 3> scales;            // log2 relative to the reference, 1/65536 octave
  Plane<uint8_t> distance;                         // 0..7: how far the nearest neighbour is, in its own sizes
  Plane<float> axes;                               // 9 planes: x, y, z of the longest axis, the middle, the shortest
  Uninitialised<float> positions;                  // (n, 3)
  std::vector<Codes> color_codes, sh_codes;        // by plane; the writer's are made by quantize_colors
  std::array<std::vector<Plane<int32_t>>, kBookedAttributes> indices;  // by book
  Plane<float> color_steps;
  Plane<uint16_t> color_size;      // sum of the sizes of the colour planes' codes
  std::vector<StepErrors> errors;  // the writer's

  Neighbours near() const;
  StepSum step_sum(const StepRule& rule) const;  // without a place for the results
};

// Neighbours, their weights and the spacing feature, from the cells.
void find_tile_neighbours(const SteppedParams& params, TileState* tile);

// Each codes one attribute; false: an index is outside its book. `source` and `rows` (tile row -> source row) serve the
// writer alone.
template <class Io>
void code_opacity(Io& io, const SteppedParams&, const SteppedTables&, TileState*, const SourceScene*,
                  const int64_t* rows);
template <class Io>
void code_classes(Io& io, const SteppedParams&, TileState*, const SourceScene*, const int64_t* rows);
template <class Io>
bool code_scales(Io& io, const SteppedParams&, TileState*, const SourceScene*, const int64_t* rows);
template <class Io>
bool code_rotations(Io& io, const SteppedParams&, TileState*, const SourceScene*, const int64_t* rows);
template <class Io>
void code_positions(Io& io, const SteppedParams&, TileState*, const SourceScene*, const int64_t* rows);
// Writer only: the RGB coefficients of the codes that were chosen; (n, 1 + B, 3).
void rebuild_colors(const SteppedParams&, TileState*, float* sh);
// Writer only, before code_scales and code_rotations where they are coded by books: entries are chosen, closed loop;
// without a search, `rest` receives (n, 3) to train books on.
class BookSearch;
void quantize_scales_by_books(const SteppedParams&, const BookSearch*, TileState*, const SourceScene&,
                              const int64_t* rows, int16_t* rest);
void quantize_rotations_by_books(const SteppedParams&, const BookSearch*, TileState*, const SourceScene&,
                                 const int64_t* rows, int16_t* rest);
// Writer only, before code_colors and code_sh: choose the codes, closed loop, with errors diffused.
// `diffusion`: share of an error that later neighbours take; `dead_zone`: of a step by which codes are drawn towards 0.
void quantize_colors(const SteppedParams&, const SteppedTables&, TileState*, const SourceScene&, const int64_t* rows,
                     float diffusion);
void quantize_sh(const SteppedParams&, const SteppedTables&, TileState*, const SourceScene&, const int64_t* rows,
                 float diffusion, float dead_zone);
// The largest step that a rule gives.
float most_step(const SteppedTables& tables, const StepRule& rule);
// The same for SH that comes from books; without a search, `rest` receives (rows that do, 3 B). Returns how many do.
using StepCounts = std::array<int64_t, 2 * kMaxHalfOctaves + 1>;  // splats by half octaves, from -kMaxHalfOctaves on
StepCounts count_sh_steps(const SteppedParams&, const TileState&);
int64_t quantize_sh_by_books(const SteppedParams&, const SteppedTables&, const BookSearch*, TileState*,
                             const SourceScene&, const int64_t* rows, float diffusion, int16_t* rest);
// The reader writes the RGB coefficients of degree 0 to `colors`, and those above to `rest`; the writer has neither.
template <class Io>
void code_colors(Io& io, const SteppedParams&, TileState*);
// Reader only: the colours of the codes that were read.
void write_colors(const SteppedParams&, TileState*, ColorRows colors);
// All SH streams of a chunk: `ios` one a stream, as many as the degree has.
template <class Io>
void code_sh(Io* ios, const SteppedParams&, TileState*, ColorRows rest);
// The same for SH that comes from books, or its coarser part: `ios` by id. False: an index is outside its book.
template <class Io>
bool code_sh_by_books(Io* ios, const SteppedParams&, TileState*, ColorRows rest);

// Writer only: the first row of a tile whose colour or SH is more steps from its prediction than a code says; -1: none.
int64_t find_lost_color(const SteppedParams&, const TileState&);

// Least squares of |code| on the size terms, plane by plane (writer only).
struct SizeSums {
  std::vector<std::array<double, kSizeTerms * kSizeTerms>> normal;
  std::vector<std::array<double, kSizeTerms>> right;
};
void add_sizes(const SteppedParams&, TileState*, SizeSums* sums);

}  // namespace splatzip
