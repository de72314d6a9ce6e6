#include <algorithm>
#include <atomic>

#include "float_mode.h"
#include "isa.h"
#include "octree.h"
#include "parallel.h"
#include "stepped.h"

namespace splatzip {

void write_tile(const SteppedParams& params, const SteppedTables& derived, const TileState& tile,
                const ChunkOutput& out) {
  const float kScaleUnit = 0.69314718055994530942f / 65536.0f;
  std::copy(tile.positions.begin(), tile.positions.end(), out.positions);
  kernels().stepped->quaternions(tile.axes.data(), plane_room(tile.n), tile.n, out.rotations);
  for (size_t i = 0; i < static_cast<size_t>(tile.n); ++i) {
    for (size_t a = 0; a < 3; ++a)
      out.log_scales[i * 3 + a] = static_cast<float>(tile.scales[a][i] + params.scale_reference) * kScaleUnit;
    out.opacity_logits[i] = derived.logit[static_cast<size_t>(tile.opacity_codes[i])];
  }
}

namespace {

// The streams of one chunk, opened.
struct OpenChunk {
  StreamReader streams[kSteppedStreams];
  bool present[kSteppedStreams] = {};

  bool open(ByteReader& in, const std::vector<TableChunk>& tables) {
    std::vector<StreamBytes> found;
    if (!read_streams(in, &found)) return false;
    for (const auto& [head, data] : found) {
      const TableSet* set = find_table_set(tables, head);
      if (head.stream >= kSteppedStreams || !set || !streams[head.stream].open(head, data, set)) return false;
      present[head.stream] = true;
    }
    return true;
  }
};

bool decode_geometry(const SteppedDecoder& decoder, const ChunkBytes& chunk, TileHistory* history, TileState* tile,
                     const ChunkOutput& out) {
  const SteppedParams& params = decoder.params;
  ByteReader in(chunk.data, chunk.size);
  const int has_frame = in.byte();  // the first chunk of a tile brings the frame, later tiers share it
  if (has_frame > 1 || (has_frame == 1) != (history->frame.mantissa == 0)) return false;
  if (has_frame && !read_frame(in, &history->frame)) return false;
  OpenChunk open;
  if (!open.open(in, decoder.tables)) return false;
  for (int s = kOctree; s <= kColor; ++s)
    if (!open.present[s]) return false;
  tile->n = chunk.splats;
  tile->frame = history->frame;
  if (!code_octree(open.streams[kOctree], open.streams[kCount], tile->frame.octree_levels, chunk.splats,
                   history->earlier, &tile->cells))
    return false;
  find_tile_neighbours(params, tile);
  code_opacity(open.streams[kOpacity], params, decoder.derived, tile, nullptr, nullptr);
  code_classes(open.streams[kOpacity], params, tile, nullptr, nullptr);
  if (!code_scales(open.streams[kScale], params, tile, nullptr, nullptr) ||
      !code_rotations(open.streams[kRotation], params, tile, nullptr, nullptr))
    return false;
  code_positions(open.streams[kPositionLow], params, tile, nullptr, nullptr);
  write_tile(params, decoder.derived, *tile, out);
  std::vector<uint64_t>& earlier = history->earlier;
  const auto middle = earlier.insert(earlier.end(), tile->cells.begin(), tile->cells.end());
  std::inplace_merge(earlier.begin(), middle, earlier.end());
  // Colours need the features, the neighbours and the distances; the rest of the memory can serve them.
  tile->cells = {};
  for (auto& plane : tile->coordinates) plane = {};
  for (auto& plane : tile->scales) plane = {};
  tile->axes = {};
  tile->positions = {};
  tile->opacity_codes = {};
  code_colors(open.streams[kColor], params, tile);
  if (out.color.first) write_colors(params, tile, out.color);
  for (int s = kOctree; s <= kColor; ++s)
    if (!open.streams[s].close()) return false;
  return true;
}

bool decode_sh(const SteppedDecoder& decoder, const ChunkBytes& chunk, TileState* tile, ColorRows rest) {
  const SteppedParams& params = decoder.params;
  if (chunk.splats != tile->n || params.sh_degree == 0) return false;
  ByteReader in(chunk.data, chunk.size);
  OpenChunk open;
  if (!open.open(in, decoder.tables)) return false;
  const bool by_books = params.by_books[kShBooks], by_numbers = !by_books || !params.books[kShBooks].all();
  for (int s = 0; s < params.sh_degree; ++s)
    if (by_numbers && !open.present[kSh1 + s]) return false;
  if (!by_books) {
    code_sh(open.streams + kSh1, params, tile, rest);
  } else if (!open.present[kShIndex] || !code_sh_by_books(open.streams, params, tile, rest) ||
             !open.streams[kShIndex].close()) {
    return false;
  }
  for (int s = 0; s < params.sh_degree; ++s)
    if (by_numbers && !open.streams[kSh1 + s].close()) return false;
  return true;
}

// What a hostile directory may make us allocate.
bool is_bounded(const ChunkBytes& chunk) {
  return chunk.splats >= 1 && chunk.splats <= kMostSymbols / 27 &&
         chunk.splats <= kMostSplatsPerByte * static_cast<int64_t>(chunk.size);
}

bool all_finite(const float* values, int64_t count) { return kernels().stepped->all_finite(values, count); }

// Rows that lie between others' are checked later, by the caller, together with those.
bool all_finite(ColorRows rows, int64_t n, int64_t width) {
  return rows.stride != width || all_finite(rows.first, n * width);
}

}  // namespace

Status decode_layer_0(const SteppedDecoder& decoder, const ChunkBytes& chunk, TileHistory* history, TileState* tile,
                      const ChunkOutput& out) {
  *tile = TileState();
  if (!is_bounded(chunk) || !decode_geometry(decoder, chunk, history, tile, out)) return Status::corrupt;
  const int64_t n = chunk.splats;
  const bool legal = all_finite(out.positions, 3 * n) && all_finite(out.log_scales, 3 * n) &&
                     all_finite(out.rotations, 4 * n) && (!out.color.first || all_finite(out.color, n, 3));
  return legal ? Status::ok : Status::scene;
}

Status decode_layer_1(const SteppedDecoder& decoder, const ChunkBytes& chunk, TileState* tile, ColorRows rest) {
  if (!is_bounded(chunk) || !decode_sh(decoder, chunk, tile, rest)) return Status::corrupt;
  return all_finite(rest, chunk.splats, 3 * decoder.params.rest()) ? Status::ok : Status::scene;
}

Status decode_stepped(const SteppedParams& params, const std::vector<TableChunk>& tables,
                      const std::vector<ChunkBytes>& chunks, int threads, const SceneArrays<float>& out,
                      size_t* failed) {
  const ExactFloats exact;
  const SteppedTables derived(params);
  const SteppedDecoder decoder{params, tables, derived};
  const int64_t sh_stride = 3 * (1 + params.rest());
  std::vector<size_t> starts;
  for (size_t c = 0; c < chunks.size(); ++c)
    if (c == 0 || chunks[c].tile != chunks[c - 1].tile) starts.push_back(c);
  // A tile in work takes as much memory as 0.8 decoded ones: with two tiles a thread the peak stays below 1.5 scenes.
  // Beside a small scene the pages of code alone are more than that.
  constexpr int64_t kSmallScene = 16384;
  int64_t splats = 0, largest = 1;
  for (const ChunkBytes& chunk : chunks) {
    if (chunk.layer == 0) splats += chunk.splats;
    largest = std::max(largest, chunk.splats);
  }
  const int most_threads = static_cast<int>(std::max<int64_t>(splats < kSmallScene ? 2 : 1, splats / (2 * largest)));
  threads = std::min(threads <= 0 ? core_count() : threads, most_threads);
  const int64_t tile_count = static_cast<int64_t>(starts.size());
  std::atomic<size_t> first_failed{chunks.size()};
  std::atomic<bool> no_scene{false};  // codes were legal, what they stand for is not
  const auto decode_tile = [&](int64_t t) {
    size_t begin = starts[static_cast<size_t>(t)];
    size_t end = static_cast<size_t>(t) + 1 < starts.size() ? starts[static_cast<size_t>(t) + 1] : chunks.size();
    TileHistory history;
    TileState tile;
    int tier = -1;
    for (size_t c = begin; c < end; ++c) {
      const ChunkBytes& chunk = chunks[c];
      float* sh = out.sh + chunk.row * sh_stride;
      const ColorRows color{sh, sh_stride}, rest{sh + 3, sh_stride};
      // Where SH follows, colours are written with it: until then nothing of the largest output was touched.
      const bool sh_follows = chunk.layer == 0 && c + 1 < end && chunks[c + 1].layer == 1;
      Status status = Status::corrupt;
      if (chunk.layer == 0) {
        tier = chunk.tier;
        status = decode_layer_0(
            decoder, chunk, &history, &tile,
            {out.positions + chunk.row * 3, out.log_scales + chunk.row * 3, out.rotations + chunk.row * 4,
             out.opacity_logits + chunk.row, sh_follows ? ColorRows{} : color});
        tile.last = tile_count > 1 && t + threads >= tile_count;
      } else if (chunk.layer == 1 && chunk.tier == tier) {
        status = decode_layer_1(decoder, chunk, &tile, rest);
        if (status == Status::ok) write_colors(params, &tile, color);
      }
      if (status == Status::ok && !sh_follows) {
        for (int64_t i = 0; i < chunk.splats && chunk.layer == 0; ++i)
          std::fill(sh + i * sh_stride + 3, sh + (i + 1) * sh_stride, 0.0f);
        if (!all_finite(sh, chunk.splats * sh_stride)) status = Status::scene;
      }
      if (status == Status::scene) no_scene.store(true);
      if (status != Status::ok) {
        size_t seen = first_failed.load();
        while (c < seen && !first_failed.compare_exchange_weak(seen, c)) {
        }
        return;
      }
    }
  };
  std::atomic<int64_t> next{0};
  parallel_for(std::min<int64_t>(threads, tile_count), threads, [&](int64_t) {
    const RecycledMemory planes;  // of one tile serve the next
    for (int64_t t; (t = next.fetch_add(1)) < tile_count;) decode_tile(t);
  });
  *failed = first_failed.load();
  if (*failed == chunks.size()) return Status::ok;
  return no_scene.load() ? Status::scene : Status::corrupt;
}

}  // namespace splatzip
