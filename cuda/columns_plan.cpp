#include "columns_plan.h"

#include <algorithm>
#include <type_traits>

#include "columns_chunk.h"
#include "plan_streams.h"

namespace splatzip::cuda {
namespace {

static_assert(kPointStreams == kMaxColumnStreams && kNearPoints == kColumnNeighbours);

// Which plane of errors a component has, in the order of components.
std::vector<int32_t> error_planes(const ColumnsSpec& spec, int32_t* count) {
  std::vector<int32_t> planes;
  *count = 0;
  for (const ColumnSpec& column : spec.columns) planes.push_back(column.errors_used ? (*count)++ : -1);
  return planes;
}

FeatureTerm level_term(const Term& term) {
  return {term.feature & 1 ? Feature::near_sum : Feature::value, term.feature >> 1, term.weight};
}

FeatureTerm error_term(const Term& term, int components) {
  const int source = term.feature >> 1;
  if (source > components) return {Feature::square, term.feature - 2 * components - 2, term.weight};
  if (source == components) return {term.feature & 1 ? Feature::offset : Feature::distance, 0, term.weight};
  return {term.feature & 1 ? Feature::spread : Feature::error, source, term.weight};
}

ColumnGoal goal_of(const ColumnTarget& target) {
  return {static_cast<uint8_t*>(target.items),
          target.item_bytes,
          static_cast<int32_t>(target.stride),
          target.shift,
          target.bits,
          target.folded};
}

PointColumn column_of(const ColumnSpec& from, int components, int32_t errors_at, const ColumnTarget& target,
                      Constants& constants) {
  PointColumn to{};
  to.layer = from.layer;
  to.stream = from.stream;
  to.mode = static_cast<int32_t>(from.mode);
  to.raw_bits = from.raw_bits;
  to.axis = from.axis;
  to.center = from.center;
  to.offset_shift = offset_shift(from);
  to.size = from.size;
  to.level_bias = from.level_bias;
  to.error_bias = from.error_bias;
  std::vector<FeatureTerm> terms;
  for (const Term& term : from.level) terms.push_back(level_term(term));
  for (const Term& term : from.error) terms.push_back(error_term(term, components));
  to.level_terms = static_cast<int32_t>(from.level.size());
  to.error_terms = static_cast<int32_t>(from.error.size());
  to.terms = constants.put(terms);
  to.first_context = from.first_context;
  std::vector<int32_t> cuts = from.error_cuts;
  cuts.insert(cuts.end(), from.level_cuts.begin(), from.level_cuts.end());
  to.error_cuts = static_cast<int32_t>(from.error_cuts.size());
  to.level_cuts = static_cast<int32_t>(from.level_cuts.size());
  to.cuts = constants.put(cuts);
  std::copy(from.pair, from.pair + 2, to.pair);
  to.errors_at = errors_at;
  to.has_alphabet = !from.alphabet.empty();
  to.alphabet = constants.put(from.alphabet);
  to.goal = goal_of(target);
  return to;
}

ColumnsParams params_of(const ColumnsSpec& spec, const ColumnsOutput& out, Constants& constants) {
  ColumnsParams params{};
  params.components = static_cast<int32_t>(spec.columns.size());
  params.halvings = spec.halvings;
  params.map_size = static_cast<int32_t>(spec.map.size());
  params.neighbours = spec.neighbours;
  params.map = constants.put(spec.map);
  params.level_of = constants.put(spec.level_of);
  int32_t planes = 0;
  const std::vector<int32_t> errors_at = error_planes(spec, &planes);
  std::vector<PointColumn> columns;
  for (size_t c = 0; c < spec.columns.size(); ++c)
    columns.push_back(column_of(spec.columns[c], params.components, errors_at[c], out.components[c], constants));
  params.columns = constants.put(columns);
  for (int a = 0; a < 3; ++a) params.coordinates[a] = goal_of(out.coordinates[a]);
  params.prefix = out.prefix;
  params.prefix_shift = out.prefix_shift;
  return params;
}

// Where the stream of that id stands in a chunk of that layer; null: it has none there.
StreamPlace* place_of(const ColumnsSpec& spec, int layer, int id, PointsChunk* chunk) {
  const std::vector<int> ids = stream_ids(spec, layer);
  if (std::find(ids.begin(), ids.end(), id) == ids.end()) return nullptr;
  return &chunk->streams[id < kFirstColumnStream ? id : first_of_layer(layer) + id - kFirstColumnStream];
}

bool read_layer(const ColumnsSpec& spec, int layer, const ColumnsChunk& from, StreamPlanner& streams,
                PointsChunk* chunk) {
  ByteReader in(from.data, from.size);
  if (layer == 0) {
    Frame frame;
    if (!read_frame(in, &frame)) return false;
    for (const ColumnSpec& column : spec.columns)  // a coordinate that is a component fits one
      if (column.mode == ColumnMode::coordinate &&
          (frame.low || frame.origin[column.axis] + (uint64_t{1} << frame.depth) > uint64_t{kMaxCoded}))
        return false;
    chunk->octree_levels = frame.depth;
    chunk->low_bits = frame.low;
    std::copy(frame.origin, frame.origin + 3, chunk->origin);
  }
  if (!streams.read(in, [&](int id) { return place_of(spec, layer, id, chunk); })) return false;
  const std::vector<int> ids = stream_ids(spec, layer);
  return std::all_of(ids.begin(), ids.end(),
                     [&](int id) { return place_of(spec, layer, id, chunk)->bytes != nullptr; });
}

}  // namespace

bool plan_columns(const ColumnsSpec& spec, const std::vector<TableChunk>& tables, const ColumnsTile* tiles,
                  size_t tile_count, int64_t row, const ColumnsOutput& out, const uint8_t* file, const uint8_t* there,
                  ColumnsPlan* plan) {
  *plan = {};
  StreamPlanner streams(tables, file, there, &plan->sets, &plan->constants);
  for (size_t t = 0; t < tile_count; ++t) {
    const ColumnsTile& tile = tiles[t];
    if (tile.n < 1 || tile.n > kMaxPointsPerChunk) return false;
    PointsChunk chunk{};
    chunk.n = static_cast<int32_t>(tile.n);
    chunk.at = plan->rows;
    chunk.row = row;
    chunk.earlier = -1;
    chunk.has_rest = tile.layers[1].data != nullptr;
    for (int layer = 0; layer < (chunk.has_rest ? 2 : 1); ++layer)
      if (!read_layer(spec, layer, tile.layers[layer], streams, &chunk)) return false;
    plan->chunks.push_back(chunk);
    const int32_t groups = (chunk.n + 31) / 32;
    plan->rows += static_cast<int64_t>(groups) * 32;
    plan->group_count = std::max(plan->group_count, groups);
    row += tile.n;
  }
  Constants constants(&plan->constants);
  plan->params = params_of(spec, out, constants);
  return plan->constants.size() < UINT32_MAX;
}

size_t lay_out_planes(int64_t rows, const ColumnsSpec& spec, uint8_t* block, PointsPlanes* planes) {
  PlaneBlock there(block);
  int32_t errors = 0;
  error_planes(spec, &errors);
  there.take(planes->cells, rows);
  for (int k = 0; k < 2; ++k) {
    there.take(planes->nodes[k], rows);
    there.take(planes->parents[k], rows);
  }
  there.take(planes->node_contexts, rows);
  there.take(planes->node_symbols, rows);
  there.take(planes->rare, rows);
  for (uint16_t*& near : planes->near) there.take(near, rows);
  there.take(planes->distance, rows);
  there.take(planes->values, rows * static_cast<int64_t>(spec.columns.size()));
  there.take(planes->errors, rows * errors);
  planes->stride = rows;
  return there.bytes();
}

}  // namespace splatzip::cuda
