#include "decode_plan.h"

#include <algorithm>
#include <cmath>

#include "plan_streams.h"
#include "splatzip/exact_math.h"

namespace splatzip::cuda {
namespace {

static_assert(kStreams == kSteppedStreams && kSizeTermCount == kSizeTerms && kMostSizeOfCode == kMostSize &&
              kMostBookedBooks == kMostBooks && kBookedKinds == int(kBookedAttributes) && kBookedSh == int(kShBooks) &&
              kBookedScales == int(kScaleBooks) && kBookedRotations == int(kRotationBooks));

constexpr float kBasisUnit = 1.0f / 16384.0f;

Rule rule_of(const StepRule& from) {
  Rule rule{from.base, from.most, {}};
  std::copy(from.weight.begin(), from.weight.end(), rule.weight);
  return rule;
}

// As code_scales has it (native/src/stepped_scales.cpp).
int32_t log2_base_of(const StepRule& rule, bool by_books) {
  const double step = static_cast<double>(rule.base) / (by_books ? kBookFraction : 1);
  const double base = exact_log(step) * kInvLn2 * 65536.0;
  return static_cast<int32_t>(base < 0 ? base - 0.5 : base + 0.5);
}

// (distance buckets, width): of the colour (group 0), or of SH, whose groups end where its streams do.
std::vector<float> shares_of(const SteppedParams& params, bool is_sh) {
  const int width = is_sh ? 3 * params.rest() : 3;
  std::vector<float> shares;
  for (size_t d = 0; d < kDistances; ++d)
    for (int v = 0; v < width; ++v) {
      size_t group = is_sh ? 1 : 0;
      while (is_sh && v / 3 >= kShBegin[group]) ++group;
      shares.push_back(static_cast<float>(params.predict[group][d][static_cast<size_t>(v % 3)]) / 256.0f);
    }
  return shares;
}

Books books_of(const Codebooks& from, Constants& constants) {
  Books books{};
  books.count = static_cast<int32_t>(from.books.size());
  books.from_step = from.from_step;
  for (size_t b = 0; b < from.books.size(); ++b) {
    const Codebook& book = from.books[b];
    Book& out = books.books[b];
    out.first = book.first;
    out.count = book.count;
    out.entries = book.entries;
    out.values = constants.put(book.values);
    out.sizes = constants.put(std::vector<uint8_t>(book.sizes.begin(), book.sizes.end()));
    for (size_t t = 0; t < kSizeTerms; ++t) out.expect[t] = static_cast<float>(book.expect[t]) / 256.0f;
  }
  return books;
}

DecodeParams params_of(const SteppedParams& from, Constants& constants) {
  DecodeParams to{};
  to.sh_degree = from.sh_degree;
  to.rest = from.rest();
  to.classes = from.classes;
  to.features = from.features();
  to.scale_reference = from.scale_reference;
  to.opacity_levels = from.opacity_levels;
  to.softness = from.neighbour_softness;
  for (size_t j = 0; j < 3; ++j) {
    const ScaleRule& scale = from.scales[j];
    to.scales[j] = {rule_of(scale.step),
                    scale.power,
                    (256 << 16) / scale.power,
                    log2_base_of(scale.step, from.by_books[kScaleBooks]),
                    {}};
    std::copy(scale.predict.begin(), scale.predict.end(), to.scales[j].predict);
  }
  for (size_t kind = 0; kind < 2; ++kind) {
    to.axis[kind] = rule_of(from.axis[kind]);
    to.spin[kind] = rule_of(from.spin[kind]);
  }
  to.position = rule_of(from.position);
  to.color = rule_of(from.color);
  to.sh = rule_of(from.sh);
  for (size_t k = 0; k < 9; ++k) {
    to.color_basis[k] = static_cast<float>(from.color_basis[k]) * kBasisUnit;
    to.sh_color_basis[k] = static_cast<float>(from.sh_color_basis[k]) * kBasisUnit;
  }
  std::vector<float> basis, expect;
  for (int16_t b : from.sh_basis) basis.push_back(static_cast<float>(b) * kBasisUnit);
  for (const auto& weights : from.expect)
    for (int16_t w : weights) expect.push_back(static_cast<float>(w) / 256.0f);
  to.sh_basis = constants.put(basis);
  to.expect = constants.put(expect);
  for (int is_sh = 0; is_sh < 2; ++is_sh) to.shares[is_sh] = constants.put(shares_of(from, is_sh));
  const SteppedTables derived(from);
  to.logit = constants.put(derived.logit);
  to.log2_alpha = constants.put(derived.log2_alpha);
  to.log2_table = constants.put(kCodeTables.log2);
  to.exp2_table = constants.put(kCodeTables.exp2);
  for (size_t a = 0; a < kBookedAttributes; ++a) {
    to.by_books[a] = from.by_books[a];
    to.books[a] = books_of(from.books[a], constants);
  }
  return to;
}

class Planner {
 public:
  Planner(const std::vector<TableChunk>& tables, const uint8_t* file, const uint8_t* there, DecodePlan* plan)
      : streams_(tables, file, there, &plan->sets, &plan->constants) {}

  bool read_layer_0(const SteppedParams& params, const ChunkBytes& from, const TileFrame* shared, DecodeChunk* chunk,
                    TileFrame* frame) {
    if (from.splats < 1 || from.splats > kMostSymbols / 27 ||
        from.splats > kMostSplatsPerByte * static_cast<int64_t>(from.size))
      return false;
    ByteReader in(from.data, from.size);
    const int has_frame = in.byte();  // the first chunk of a tile brings the frame, later tiers share it
    if (has_frame > 1 || (has_frame == 1) == (shared != nullptr)) return false;
    if (shared) *frame = *shared;
    if (has_frame && !read_frame(in, frame)) return false;
    if (!read_streams(in, chunk)) return false;
    for (int s = kOctree; s <= kColor; ++s)
      if (!chunk->streams[s].bytes) return false;
    chunk->n = static_cast<int32_t>(from.splats);
    chunk->runs = static_cast<int32_t>(runs_of(from.splats));
    chunk->row = from.row;
    std::copy(frame->origin.begin(), frame->origin.end(), chunk->origin);
    chunk->unit = bits_to_double(static_cast<uint64_t>(1023 + frame->exponent) << 52);
    chunk->mantissa = frame->mantissa;
    chunk->octree_levels = frame->octree_levels;
    chunk->low_levels = frame->low_levels;
    chunk->unit_level = frame->unit_level;
    chunk->cell = cell_size_log2(params, *frame);
    return true;
  }

  bool read_layer_1(const SteppedParams& params, const ChunkBytes& from, DecodeChunk* chunk) {
    if (from.splats != chunk->n || params.sh_degree == 0 ||
        from.splats > kMostSplatsPerByte * static_cast<int64_t>(from.size))
      return false;
    DecodeChunk read{};
    ByteReader in(from.data, from.size);
    if (!read_streams(in, &read)) return false;
    const bool by_books = params.by_books[kShBooks], by_numbers = !by_books || !params.books[kShBooks].all();
    for (int s = 0; s < params.sh_degree; ++s)
      if (by_numbers && !read.streams[kSh1 + s].bytes) return false;
    if (by_books && !read.streams[kShIndex].bytes) return false;
    std::copy(read.streams + kSh1, read.streams + kSteppedStreams, chunk->streams + kSh1);
    chunk->has_sh = true;
    return true;
  }

 private:
  bool read_streams(ByteReader& in, DecodeChunk* chunk) {
    return streams_.read(in, [&](int id) { return id < kSteppedStreams ? &chunk->streams[id] : nullptr; });
  }

  StreamPlanner streams_;
};

// Puts chunks in waves and gives them their rows of the planes.
void order_chunks(std::vector<DecodeChunk>& chunks, const std::vector<int32_t>& wave_of, DecodePlan* plan) {
  std::vector<int32_t> place(chunks.size());
  const int32_t waves = wave_of.empty() ? 0 : 1 + *std::max_element(wave_of.begin(), wave_of.end());
  for (int32_t wave = 0; wave < waves; ++wave) {
    const int64_t first = static_cast<int64_t>(plan->chunks.size());
    for (size_t c = 0; c < chunks.size(); ++c) {
      if (wave_of[c] != wave) continue;
      place[c] = static_cast<int32_t>(plan->chunks.size());
      DecodeChunk& chunk = plan->chunks.emplace_back(chunks[c]);
      if (chunk.earlier >= 0) chunk.earlier = place[static_cast<size_t>(chunk.earlier)];
      chunk.at = plan->rows;
      const int32_t groups = (chunk.n + 31) / 32;
      plan->rows += static_cast<int64_t>(groups) * 32;
      plan->group_count = std::max(plan->group_count, groups);
    }
    plan->waves.push_back({first, static_cast<int64_t>(plan->chunks.size()) - first});
  }
}

}  // namespace

DecodeParams lay_out_params(const SteppedParams& params, std::vector<uint8_t>* bytes) {
  Constants constants(bytes);
  return params_of(params, constants);
}

int32_t cell_size_log2(const SteppedParams& params, const TileFrame& frame) {
  const double octaves = exact_log(static_cast<double>(frame.mantissa)) * kInvLn2 + frame.exponent + frame.low_levels -
                         params.scale_reference / 65536.0;
  return static_cast<int32_t>(std::floor(octaves * 256.0));
}

bool plan_decoding(const SteppedParams& params, const std::vector<TableChunk>& tables, const ChunkBytes* chunks,
                   size_t chunk_count, const uint8_t* file, const uint8_t* there, DecodePlan* plan) {
  *plan = {};
  Planner planner(tables, file, there, plan);
  std::vector<DecodeChunk> found;
  std::vector<int32_t> wave_of;
  TileFrame frame;
  int tier = -1;
  for (size_t c = 0; c < chunk_count; ++c) {
    const ChunkBytes& from = chunks[c];
    const bool same_tile = c > 0 && chunks[c - 1].tile == from.tile;
    if (from.layer == 1) {
      if (!same_tile || from.tier != tier || found.back().has_sh || !planner.read_layer_1(params, from, &found.back()))
        return false;
      continue;
    }
    DecodeChunk chunk{};
    const TileFrame shared = frame;
    if (from.layer != 0 || !planner.read_layer_0(params, from, same_tile ? &shared : nullptr, &chunk, &frame))
      return false;
    chunk.earlier = same_tile ? static_cast<int32_t>(found.size()) - 1 : -1;
    wave_of.push_back(same_tile ? wave_of.back() + 1 : 0);
    found.push_back(chunk);
    tier = from.tier;
  }
  order_chunks(found, wave_of, plan);
  plan->params = lay_out_params(params, &plan->constants);
  return plan->constants.size() < UINT32_MAX;
}

size_t lay_out_planes(int64_t rows, const SteppedParams& params, uint8_t* block, DecodePlanes* planes) {
  PlaneBlock there(block);
  const bool splits = params.by_books[kShBooks];
  there.take(planes->cells, rows);
  there.take(planes->sizes, rows);
  for (int k = 0; k < 2; ++k) {
    there.take(planes->nodes[k], rows);
    there.take(planes->parents[k], rows);
    there.take(planes->means[k], rows);
    there.take(planes->steps[k], rows);
    there.take(planes->apart[k], rows);
  }
  there.take(planes->node_contexts, rows);
  there.take(planes->node_symbols, rows);
  there.take(planes->rare, rows);
  for (int a = 0; a < 3; ++a) {
    there.take(planes->coordinates[a], rows);
    there.take(planes->residuals[a], rows);
  }
  for (int k = 0; k < kNeighbours; ++k) {
    there.take(planes->near_row[k], rows);
    there.take(planes->near_weight[k], rows);
  }
  for (int f = 0; f < kFeatures; ++f) there.take(planes->features[f], f < params.features() ? rows : 0);
  there.take(planes->distance, rows);
  for (int k = 0; k < 9; ++k) there.take(planes->axes[k], rows);
  there.take(planes->axis_step, rows);
  there.take(planes->spin_step, rows);
  there.take(planes->sh_rows, splits ? rows : 0);
  planes->value_stride = rows;
  there.take(planes->values, 3 * (1 + static_cast<int64_t>(params.rest())) * rows);
  return there.bytes();
}

}  // namespace splatzip::cuda
