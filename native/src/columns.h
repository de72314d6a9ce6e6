// Codec COLUMNS: integer codes of point sets (the splats of a tile, the rows of a palette), coded losslessly.
//
// Points are sorted by the Morton order of three coordinates, which the octree codes. Every other component is
// predicted from components of the same point and of near points that were decoded before it: a linear function
// gives its level, another the size of the error, and the two choose the context (FORMAT.md 7). All weights and cuts
// stand in the file; a decoder evaluates them in int32 arithmetic modulo 2^32.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "tables.h"

namespace splatzip {

constexpr int kMaxComponents = 96;
constexpr int kMaxLayers = 2;
constexpr int kFirstColumnStream = 32;  // stream of the first component; up to 63
constexpr int kMaxColumnStreams = 32;
constexpr int64_t kMaxPointsPerChunk = 1 << 16;
constexpr int kMapBits = 14;
constexpr int kMaxCoded = 1 << 16;  // a component's coded part is below this

enum class ColumnMode : int {
  residual_by_level = 0,  // symbol: value - prediction; contexts: error size, level
  residual_by_fraction =
      1,           // symbol: the same, mirrored so that the fraction is positive; contexts: error size, fraction
  direct = 2,      // symbol: the value; contexts: error size, level
  coordinate = 3,  // not coded: coordinate `axis` of the point
};

// A weight in 1/4096 on a feature. Level features: 2 j is component j of the same point, 2 j + 1 the sum of it over
// the neighbours. Error features: 2 j is the error of component j, 2 j + 1 its spread over the neighbours,
// 2 C how far the neighbours are, 2 C + 1 how far the prediction is from the centre, 2 C + 2 + j the square of what
// component j is off its centre (unit quaternions: what is left for the other components).
struct Term {
  int feature = 0;
  int32_t weight = 0;
};

struct ColumnSpec {
  int layer = 0;
  int stream = 0;  // index; the id is kFirstColumnStream + stream
  int raw_bits = 0;
  int axis = 0;  // mode coordinate
  ColumnMode mode = ColumnMode::direct;
  uint32_t size = 1;               // coded values are below it
  std::vector<uint32_t> alphabet;  // what the coded values stand for; empty: themselves
  int32_t center = 0;
  int first_context = 0;
  int pair[2] = {-1, -1};  // if set, contexts follow how far off their centres these components are, instead
  int32_t level_bias = 0, error_bias = 0;
  std::vector<Term> level, error;
  std::vector<int32_t> error_cuts, level_cuts;  // ascending; in 1/16
  // What the terms of this and later components ask of this one (`prepare`); kept: in a later layer.
  bool spread_used = false, errors_used = false, errors_kept = false;
  int contexts() const { return static_cast<int>((error_cuts.size() + 1) * (level_cuts.size() + 1)); }
};

struct ColumnsSpec {
  bool neighbours = true;
  int halvings = 4;  // passes - 1: each pass but the first doubles the points that are known
  // What codes stand for, below 2^kMapBits and not falling: predictions are linear in these. Empty: in the codes.
  std::vector<int32_t> map;
  std::vector<int32_t> level_of;  // by mapped value: code in 1/16
  std::vector<ColumnSpec> columns;
  void prepare();  // fills level_of and what the columns' terms use
};

void write_columns_spec(ByteWriter& out, const ColumnsSpec& spec);
bool read_columns_spec(ByteReader& in, ColumnsSpec* spec);

// What an encoder is told of a component.
struct ColumnInput {
  int layer = 0;
  int group = 0;        // components of a group share a stream
  bool shared = false;  // and, if all of the group say so, the contexts
  int raw_bits = 0;
  int axis = -1;  // 0..2: it is that coordinate
};

struct ColumnsSource {
  const uint32_t* coordinates;  // (n, 3)
  const uint32_t* values;       // (C, n) component-major
  int64_t n;
  std::vector<ColumnInput> columns;
  std::vector<int64_t> order;   // rows, tile after tile
  std::vector<int64_t> starts;  // tiles + 1
  bool neighbours = true;
  std::vector<int32_t> map;
  int tables_id = 0;  // of the TABLES chunk of layer 0; the next one is that of layer 1
  int align = 0;      // origins are multiples of 2^align on axis 0
};

// Rows in the Morton order of their coordinates (the highest 21 bits of the largest extent): equal ones stay in order.
std::vector<int64_t> morton_order(const uint32_t* coordinates, int64_t n);

struct EncodedColumns {
  std::vector<uint8_t> spec;
  std::vector<std::vector<uint8_t>> tables;               // by layer
  std::vector<std::vector<std::vector<uint8_t>>> chunks;  // by layer and tile
  std::vector<int64_t> order;                             // row of the source that stands at each place
};
EncodedColumns encode_columns(const ColumnsSource& source, int threads);

// One chunk of a tile's layer; data may be null (the layer is missing).
struct ColumnsChunk {
  const uint8_t* data = nullptr;
  size_t size = 0;
};

struct ColumnsTile {
  int64_t n = 0;
  ColumnsChunk layers[kMaxLayers];
};

// Where the numbers of a component, or of a coordinate, go: bits [shift, shift + bits) of every `stride`th item, which
// are zero before. `folded` numbers are unfolded first: sign and magnitude of `bits` bits (FORMAT.md 7.5).
struct ColumnTarget {
  void* items = nullptr;
  int item_bytes = 1;  // 1, 2 or 4
  int64_t stride = 1;
  int shift = 0, bits = 8;
  bool folded = false;
};

struct ColumnsOutput {
  ColumnTarget coordinates[3];  // without items: not asked for
  std::vector<ColumnTarget> components;
  bool forget = false;         // the chunks' memory is ours: what was decoded is not needed any more
  int prefix_shift = 32;       // coordinate 0 holds the number of a chunk or bucket from this bit on,
  uint32_t* prefix = nullptr;  // which goes here
};

// What is not as the format allows: a tile's layer; or a target (coordinates first), where a number has too many bits.
struct BadColumns {
  int64_t tile = -1;
  int layer = 0;
  int target = -1;
};

// Decodes tiles of N points altogether; components of missing layers are left alone.
// tables: by the id of their TABLES chunk. Returns false and the first tile that is wrong.
bool decode_columns(const ColumnsSpec& spec, const std::vector<TableChunk>& tables,
                    const std::vector<ColumnsTile>& tiles, const ColumnsOutput& out, int threads, BadColumns* bad);

}  // namespace splatzip
