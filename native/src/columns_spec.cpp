// The columns chunk: what a decoder must know before it reads the points (FORMAT.md 7.1).
#include "columns.h"

namespace splatzip {
namespace {

void write_terms(ByteWriter& out, const std::vector<Term>& terms) {
  out.varint(terms.size());
  int last = -1;
  for (const Term& t : terms) {
    out.varint(static_cast<uint64_t>(t.feature - last - 1));
    out.signed_varint(t.weight);
    last = t.feature;
  }
}

// Features ascending, below `limit`.
bool read_terms(ByteReader& in, int limit, std::vector<Term>* terms) {
  uint64_t count = in.varint();
  if (!in.ok() || count > static_cast<uint64_t>(limit)) return false;
  int64_t last = -1;
  for (uint64_t i = 0; i < count; ++i) {
    uint64_t gap = in.varint();
    int64_t weight = in.signed_varint();
    if (!in.ok() || gap >= static_cast<uint64_t>(limit) || last + 1 + static_cast<int64_t>(gap) >= limit) return false;
    if (weight != static_cast<int32_t>(weight)) return false;
    last += 1 + static_cast<int64_t>(gap);
    terms->push_back({static_cast<int>(last), static_cast<int32_t>(weight)});
  }
  return true;
}

void write_cuts(ByteWriter& out, const std::vector<int32_t>& cuts) {
  out.varint(cuts.size());
  int32_t last = 0;
  for (int32_t cut : cuts) out.signed_varint(static_cast<int64_t>(cut) - last), last = cut;
}

bool read_cuts(ByteReader& in, std::vector<int32_t>* cuts) {
  uint64_t count = in.varint();
  if (!in.ok() || count >= static_cast<uint64_t>(kMaxContexts)) return false;
  int64_t last = 0;
  for (uint64_t i = 0; i < count; ++i) {
    int64_t step = in.signed_varint();
    if (!in.ok() || step != static_cast<int32_t>(step)) return false;
    last += step;
    if (last != static_cast<int32_t>(last)) return false;
    cuts->push_back(static_cast<int32_t>(last));
  }
  return true;
}

bool read_column(ByteReader& in, const ColumnsSpec& spec, int components, int index, ColumnSpec* column) {
  uint8_t flags =
      in.byte();  // mode, layer << 2, alphabet << 3, contexts as the previous one << 4, axis << 5, pair << 7
  column->mode = static_cast<ColumnMode>(flags & 3);
  column->layer = flags >> 2 & 1;
  const bool has_alphabet = flags & 8, same_contexts = flags & 16;
  column->axis = flags >> 5 & 3;
  column->stream = in.byte();
  column->raw_bits = in.byte();
  const uint64_t size = in.varint();
  if (!in.ok() || column->axis > 2 || column->stream >= kMaxColumnStreams || column->raw_bits > 31) return false;
  if (size < 1 || size > static_cast<uint64_t>(kMaxCoded)) return false;
  column->size = static_cast<uint32_t>(size);
  if (index && column->layer < spec.columns[static_cast<size_t>(index) - 1].layer) return false;
  if (has_alphabet) {
    if (size > in.left()) return false;
    uint64_t value = 0;
    for (uint64_t i = 0; i < size; ++i) {
      uint64_t gap = in.varint();
      if (gap > UINT32_MAX) return false;
      value += gap + (i ? 1 : 0);
      if (value >> (32 - column->raw_bits)) return false;
      column->alphabet.push_back(static_cast<uint32_t>(value));
    }
  } else if ((size - 1) >> (32 - column->raw_bits)) {
    return false;
  }
  if (column->mode == ColumnMode::coordinate) return in.ok() && column->raw_bits == 0 && !has_alphabet;
  const uint64_t center = in.varint();
  column->level_bias = static_cast<int32_t>(in.signed_varint());
  column->error_bias = static_cast<int32_t>(in.signed_varint());
  if (!in.ok() || center >= static_cast<uint64_t>(kMaxCoded)) return false;
  column->center = static_cast<int32_t>(center);
  // The level knows components before this one, and the sums of these and its own.
  if (!read_terms(in, 2 * index + 2, &column->level)) return false;
  for (const Term& t : column->level)
    if (t.feature == 2 * index) return false;
  if (!read_terms(in, 2 * components + 2 + index, &column->error)) return false;
  for (const Term& t : column->error) {
    if (t.feature == 2 * index || (t.feature > 2 * index + 1 && t.feature < 2 * components)) return false;
  }
  if (flags & 128) {
    for (int& other : column->pair) {
      other = in.byte();
      if (other >= index) return false;
    }
  }
  if (same_contexts) {
    if (index == 0) return false;
    const ColumnSpec& previous = spec.columns[static_cast<size_t>(index) - 1];
    if (previous.mode == ColumnMode::coordinate) return false;
    column->first_context = previous.first_context;
    column->error_cuts = previous.error_cuts;
    column->level_cuts = previous.level_cuts;
    return true;
  }
  column->first_context = in.byte();
  if (!read_cuts(in, &column->error_cuts) || !read_cuts(in, &column->level_cuts)) return false;
  return column->first_context + column->contexts() <= kMaxContexts;
}

}  // namespace

void ColumnsSpec::prepare() {
  const int components = static_cast<int>(columns.size());
  for (const ColumnSpec& column : columns)
    for (const Term& term : column.error) {
      if (term.feature >= 2 * components) continue;
      ColumnSpec& source = columns[static_cast<size_t>(term.feature >> 1)];
      if (term.feature & 1) {
        source.spread_used = true;
      } else {
        source.errors_used = true;
        source.errors_kept |= source.layer != column.layer;
      }
    }
  level_of.clear();
  if (map.empty()) return;
  level_of.resize(size_t{1} << kMapBits);
  size_t code = 0;
  for (int32_t value = 0; value < 1 << kMapBits; ++value) {
    while (code + 1 < map.size() && map[code + 1] <= value) ++code;
    int32_t level = static_cast<int32_t>(code) << 4;
    if (code + 1 < map.size() && value > map[code]) level += ((value - map[code]) << 4) / (map[code + 1] - map[code]);
    level_of[static_cast<size_t>(value)] = level;
  }
}

void write_columns_spec(ByteWriter& out, const ColumnsSpec& spec) {
  out.byte(spec.neighbours ? 1 : 0);
  out.byte(static_cast<uint8_t>(spec.halvings));
  out.varint(spec.map.size());
  for (size_t k = 0; k < spec.map.size(); ++k)
    out.varint(static_cast<uint64_t>(spec.map[k] - (k ? spec.map[k - 1] : 0)));
  out.varint(spec.columns.size());
  for (size_t i = 0; i < spec.columns.size(); ++i) {
    const ColumnSpec& c = spec.columns[i];
    const bool same = i && c.mode != ColumnMode::coordinate && spec.columns[i - 1].mode != ColumnMode::coordinate &&
                      c.first_context == spec.columns[i - 1].first_context &&
                      c.error_cuts == spec.columns[i - 1].error_cuts && c.level_cuts == spec.columns[i - 1].level_cuts;
    out.byte(static_cast<uint8_t>(static_cast<int>(c.mode) | c.layer << 2 | (c.alphabet.empty() ? 0 : 8) |
                                  (same ? 16 : 0) | c.axis << 5 | (c.pair[0] >= 0 ? 128 : 0)));
    out.byte(static_cast<uint8_t>(c.stream));
    out.byte(static_cast<uint8_t>(c.raw_bits));
    out.varint(c.size);
    for (size_t k = 0; k < c.alphabet.size(); ++k) out.varint(c.alphabet[k] - (k ? c.alphabet[k - 1] + 1 : 0));
    if (c.mode == ColumnMode::coordinate) continue;
    out.varint(static_cast<uint64_t>(c.center));
    out.signed_varint(c.level_bias);
    out.signed_varint(c.error_bias);
    write_terms(out, c.level);
    write_terms(out, c.error);
    if (c.pair[0] >= 0) {
      for (int other : c.pair) out.byte(static_cast<uint8_t>(other));
    }
    if (same) continue;
    out.byte(static_cast<uint8_t>(c.first_context));
    write_cuts(out, c.error_cuts);
    write_cuts(out, c.level_cuts);
  }
}

bool read_columns_spec(ByteReader& in, ColumnsSpec* spec) {
  uint8_t neighbours = in.byte();
  spec->halvings = in.byte();
  uint64_t mapped = in.varint();
  if (mapped > 256 || (mapped && neighbours)) return false;
  uint64_t value = 0;
  for (uint64_t k = 0; k < mapped; ++k) {
    uint64_t step = in.varint();
    if (step >> kMapBits || (value += step) >> kMapBits) return false;
    spec->map.push_back(static_cast<int32_t>(value));
  }
  uint64_t count = in.varint();
  if (!in.ok() || neighbours > 1 || spec->halvings > 8 || count > static_cast<uint64_t>(kMaxComponents)) return false;
  spec->neighbours = neighbours;
  for (uint64_t i = 0; i < count; ++i) {
    ColumnSpec column;
    if (!read_column(in, *spec, static_cast<int>(count), static_cast<int>(i), &column)) return false;
    if (mapped && column.size > mapped) return false;
    spec->columns.push_back(std::move(column));
  }
  spec->prepare();
  return in.at_end();
}

}  // namespace splatzip
