// The model of codec COLUMNS: what reader and writer share (FORMAT.md 7.2 to 7.4).
#pragma once
#include <algorithm>
#include <cstdlib>

#include "columns.h"
#include "octree.h"
#include "streams.h"

namespace splatzip {

constexpr int kColumnNeighbours = 4;
constexpr int kColumnWindow = 16;      // known points looked at on either side
constexpr int kDistanceBits = 12;      // of a coordinate, for distances
constexpr int kFarBits = 32;           // "how far" of a point without neighbours
constexpr int32_t kErrorLimit = 4095;  // largest error that is remembered, in 1/16
constexpr int kWeightBits = 12;

// The points of a chunk in coding order: pass 0 holds the ranks that are multiples of 2^halvings, each later pass
// the ranks halfway between those known.
struct Points {
  int64_t n = 0;
  std::vector<int64_t> pass_start;                     // passes + 1
  std::vector<int32_t> rank;                           // of each place
  std::vector<int32_t> neighbours[kColumnNeighbours];  // places; pass 0: none
  std::vector<int32_t> distance;                       // bit length of the largest squared distance
  std::vector<std::vector<int32_t>> values;            // coded values by component
  std::vector<std::vector<int32_t>> errors;            // |16 value - prediction|, capped
  // Of the pass at hand:
  std::vector<std::vector<int32_t>> sums, spreads, mapped;
  std::vector<uint8_t> has_sums, has_spreads;
  std::vector<int32_t> level, error_size;
  std::vector<uint8_t> contexts;

  // coordinates: by rank, below 2^depth; a component that is a coordinate has `origin` added.
  void arrange(int64_t count, const ColumnsSpec& spec, const std::vector<uint32_t> (&coordinates)[3], int depth,
               const uint32_t (&origin)[3]);
  void start_pass() {
    std::fill(has_sums.begin(), has_sums.end(), 0);
    std::fill(has_spreads.begin(), has_spreads.end(), 0);
  }
  const std::vector<int32_t>& sum_of(const ColumnsSpec& spec, int component, size_t pass);
  const std::vector<int32_t>& spread_of(const ColumnsSpec& spec, int component, size_t pass);
  const int32_t* values_for_level(const ColumnsSpec& spec, int component, size_t pass);
  // Fills `level` (prediction in 1/16, within the component's range) and `error_size`.
  void predict(const ColumnsSpec& spec, int component, size_t pass);
  // `column` may be a candidate that is not yet in `spec`.
  void choose_contexts(const ColumnsSpec& spec, const ColumnSpec& column, size_t pass);
  void remember_errors(int component, size_t pass);
};

// How far a value is off the centre, squared; wide values lose low bits first, so that it stays below 2^16.
inline int32_t squared_offset(const ColumnSpec& column, int32_t value) {
  const int32_t off = (value - column.center) >> std::max(0, bit_length(column.size - 1) - 8);
  return static_cast<int32_t>(static_cast<uint32_t>(off) * static_cast<uint32_t>(off) & 0xFFFF);
}

inline int32_t offset_from_center(const ColumnSpec& column, int32_t value) {
  return std::abs(value - column.center) << 4;
}

inline int32_t rounded_level(int32_t level) { return (level + 8) >> 4; }

template <class Io>
bool code_values(const ColumnsSpec& spec, int component, size_t pass, Points& points, Io& io) {
  const ColumnSpec& column = spec.columns[static_cast<size_t>(component)];
  const int64_t begin = points.pass_start[pass], count = points.pass_start[pass + 1] - begin;
  int32_t* values = points.values[static_cast<size_t>(component)].data() + begin;
  if (count == 0) return true;
  points.predict(spec, component, pass);
  if (column.mode != ColumnMode::coordinate) {
    points.choose_contexts(spec, column, pass);
    const int32_t* level = points.level.data();
    std::vector<int32_t> symbols(static_cast<size_t>(count));
    const bool direct = column.mode == ColumnMode::direct;
    auto sign = [&](int64_t i) {
      return column.mode == ColumnMode::residual_by_fraction && (level[i] & 15) >= 8 ? -1 : 1;
    };
    if constexpr (!Io::kReading) {
      for (int64_t i = 0; i < count; ++i)
        symbols[static_cast<size_t>(i)] = direct ? values[i] : (values[i] - rounded_level(level[i])) * sign(i);
    }
    io.plane(points.contexts.data(), symbols.data(), count, !direct);
    if constexpr (Io::kReading) {
      const int64_t size = column.size;
      bool good = io.ok();
      for (int64_t i = 0; i < count; ++i) {
        int64_t value = symbols[static_cast<size_t>(i)];
        if (!direct) value = value * sign(i) + rounded_level(level[i]);
        good &= value >= 0 && value < size;
        values[i] = static_cast<int32_t>(value);
      }
      if (!good) return false;
    }
  }
  points.remember_errors(component, pass);
  return true;
}

}  // namespace splatzip
