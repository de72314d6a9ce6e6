// The model of codec COLUMNS: what reader and writer share (FORMAT.md 7.2 to 7.4).
#pragma once
#include <algorithm>
#include <cstdlib>

#include "columns.h"
#include "isa.h"
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
// the ranks halfway between those known. Everything that has an entry a point is as narrow as the format allows: the
// planes of a tile in work are most of what a decoder needs beside its results.
struct Points {
  int64_t n = 0;
  std::vector<int64_t> pass_start;                      // passes + 1
  std::vector<uint16_t> rank, place;                    // of each place its rank, and the other way round
  std::vector<uint16_t> neighbours[kColumnNeighbours];  // places; pass 0: none
  std::vector<uint16_t> distance;                       // bit length of the largest squared distance
  std::vector<std::vector<uint16_t>> values;            // coded values by component
  // Of the pass at hand:
  std::vector<int32_t> level, error_size;
  std::vector<uint8_t> contexts;
  std::vector<int32_t> symbols;

  // coordinates: by rank, below 2^depth; a component that is a coordinate has `origin` added.
  void arrange(int64_t count, const ColumnsSpec& spec, const std::vector<uint32_t> (&coordinates)[3], int depth,
               const uint32_t (&origin)[3]);
  void start_pass() { std::fill(known_.begin(), known_.end(), uint8_t{0}); }
  // Fills `level` (prediction in 1/16, within the component's range) and `error_size`.
  void predict(const ColumnsSpec& spec, int component, size_t pass);
  // `column` may be a candidate that is not yet in `spec`.
  void choose_contexts(const ColumnsSpec& spec, const ColumnSpec& column, size_t pass);
  // Once the values of a pass are known, if another component asks for their errors.
  void remember_errors(const ColumnsSpec& spec, int component, size_t pass);

 private:
  // What the neighbours of the points at hand say about a component: the sum of their values, and 16 times the mean
  // deviation from their mean, capped. Sums that may need more than 16 bits are wide.
  struct Near {
    std::vector<uint16_t> sums;
    std::vector<int32_t> wide_sums;
    std::vector<uint16_t> spreads;
  };
  const Near& near(const ColumnsSpec& spec, int component, size_t pass);
  const uint16_t* mapped(const ColumnsSpec& spec, int component, size_t pass);
  uint16_t* errors_of(const ColumnsSpec& spec, int component, size_t pass);

  std::vector<Near> near_;
  std::vector<uint8_t> known_;                 // by component: which of these are of this pass
  std::vector<std::vector<uint16_t>> mapped_;  // what the map makes of the values
  std::vector<std::vector<uint16_t>> errors_;  // |16 value - prediction|, capped; of all passes where the spec says so
  std::vector<int32_t> replaced_[2];
};

// How far a value is off the centre, squared; wide values lose low bits first, so that it stays below 2^16.
inline int offset_shift(const ColumnSpec& column) { return std::max(0, bit_length(column.size - 1) - 8); }
inline int32_t squared_offset(const ColumnSpec& column, int32_t value) {
  const int32_t off = (value - column.center) >> offset_shift(column);
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
  uint16_t* values = points.values[static_cast<size_t>(component)].data() + begin;
  if (count == 0) return true;
  points.predict(spec, component, pass);
  if (column.mode != ColumnMode::coordinate) {
    points.choose_contexts(spec, column, pass);
    const int32_t* level = points.level.data();
    std::vector<int32_t>& symbols = points.symbols;
    symbols.resize(static_cast<size_t>(count));
    const bool direct = column.mode == ColumnMode::direct;
    if constexpr (!Io::kReading) {
      for (int64_t i = 0; i < count; ++i) {
        const int32_t sign = column.mode == ColumnMode::residual_by_fraction && (level[i] & 15) >= 8 ? -1 : 1;
        symbols[static_cast<size_t>(i)] = direct ? values[i] : (values[i] - rounded_level(level[i])) * sign;
      }
    }
    io.plane(points.contexts.data(), symbols.data(), count, !direct);
    if constexpr (Io::kReading) {
      const ResidualPlane plane = {
          symbols.data(), direct ? nullptr : level, column.mode == ColumnMode::residual_by_fraction, column.size, count,
          values};
      if (!kernels().columns->add_residuals(plane) || !io.ok()) return false;
    }
  }
  points.remember_errors(spec, component, pass);
  return true;
}

}  // namespace splatzip
