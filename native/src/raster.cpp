#include "raster.h"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "isa.h"
#include "parallel.h"

namespace splatzip {
namespace {

constexpr int64_t kGroupsAtOnce = 64, kSplatsAtOnce = kGroupsAtOnce * kGroup;
constexpr int64_t kLeastListed = 1024;  // splats a list job
constexpr int64_t kLeastTraced = 4096;  // blocks of a tile: fits into the second-level cache
constexpr int64_t kMostEntries = INT64_C(0x7FFFFFFF);

size_t size(int64_t count) { return static_cast<size_t>(count); }

int blocks(int pixels) { return (pixels + kBlockSize - 1) / kBlockSize; }

}  // namespace

// What is seen of each chunk of the scene goes to where the chunk begins; depths and indices are then moved together.
void Rasterizer::project(int threads) {
  const int64_t groups = scene_.groups(), chunks = (groups + kGroupsAtOnce - 1) / kGroupsAtOnce;
  frame_.seen.reserve(size(groups));
  frame_.first_splat.reserve(size(groups));
  frame_.splats.reserve(size(chunks * kSplatsAtOnce));
  touched_.reserve(size(chunks * kSplatsAtOnce));
  depths_.reserve(size(chunks * kSplatsAtOnce));
  uint32_t* starts = starts_.reserve(size(chunks + 1));
  parallel_for(chunks, threads, [&](int64_t chunk) {
    const int64_t base = chunk * kSplatsAtOnce;
    const ProjectJob job = {&frame_.view.camera,
                            scene_.geometry.data(),
                            scene_.sh.data(),
                            scene_.bounds.data(),
                            scene_.sh_degree,
                            chunk * kGroupsAtOnce,
                            std::min(groups, (chunk + 1) * kGroupsAtOnce),
                            blocks(frame_.view.width),
                            blocks(frame_.view.height),
                            frame_.tiles_x,
                            static_cast<uint32_t>(base),
                            frame_.splats.data() + base,
                            touched_.data() + base,
                            depths_.data() + base,
                            frame_.seen.data(),
                            frame_.first_splat.data()};
    starts[chunk + 1] = kernels().raster->project(job);
  });
  starts[0] = 0;
  for (int64_t chunk = 0; chunk < chunks; ++chunk) starts[chunk + 1] += starts[chunk];
  frame_.seen_count = starts[chunks];
  uint32_t* keys = keys_.reserve(size(frame_.seen_count));
  uint32_t* order = frame_.order.reserve(size(frame_.seen_count));
  parallel_for(chunks, threads, [&](int64_t chunk) {
    const uint32_t base = static_cast<uint32_t>(chunk * kSplatsAtOnce);
    for (uint32_t from = base, to = starts[chunk]; to < starts[chunk + 1]; ++from, ++to) {
      keys[to] = depths_[from];
      order[to] = from;
    }
  });
}

// Splats in the order of depth to records of tiles, then records to the lists of their tiles.
bool Rasterizer::list(int threads) {
  const int64_t count = frame_.seen_count, tiles = frame_.tiles();
  const int64_t workers = threads > 0 ? threads : core_count();
  const int64_t jobs = std::clamp<int64_t>(count / kLeastListed, 1, 4 * workers);
  if (records_.size() < size(jobs)) records_.resize(size(jobs));
  uint32_t* counts = tile_counts_.reserve(size(jobs * tiles));
  uint32_t* first_slot = frame_.first_slot.reserve(size(count + 1));
  uint64_t* used = records_used_.reserve(size(jobs));
  parallel_for(jobs, threads, [&](int64_t j) {
    Buffer<TileRecord>& records = records_[size(j)];
    std::fill(counts + j * tiles, counts + (j + 1) * tiles, 0u);
    ListJob job = {frame_.splats.data(),
                   touched_.data(),
                   frame_.order.data(),
                   count * j / jobs,
                   count * (j + 1) / jobs,
                   blocks(frame_.view.width),
                   blocks(frame_.view.height),
                   frame_.tiles_x,
                   records.data(),
                   records.capacity(),
                   0,
                   first_slot,
                   counts + j * tiles};
    for (;;) {
      kernels().raster->list(&job);
      if (job.first == job.last) break;
      job.records = records.extend(job.room + size(2 * tiles) + 4096, job.used);
      job.room = records.capacity();
    }
    used[j] = job.used;
  });

  uint64_t total = 0;
  for (int64_t j = 0; j < jobs; ++j) total += used[j];
  if (total > static_cast<uint64_t>(kMostEntries)) return false;
  uint32_t* tile_start = frame_.tile_start.reserve(size(tiles + 1));
  uint32_t next = 0;
  for (int64_t tile = 0; tile < tiles; ++tile) {
    tile_start[tile] = next;
    for (int64_t j = 0; j < jobs; ++j) next += std::exchange(counts[j * tiles + tile], next);
  }
  tile_start[tiles] = next;
  frame_.entries.reserve(size(next));
  frame_.slot.reserve(size(next));
  first_slot[count] = next;
  parallel_for(jobs, threads, [&](int64_t j) {
    uint32_t base = 0;
    for (int64_t before = 0; before < j; ++before) base += static_cast<uint32_t>(used[before]);
    for (int64_t i = count * j / jobs; i < count * (j + 1) / jobs; ++i) first_slot[i] += base;
    const TileRecord* records = records_[size(j)].data();
    uint32_t* at = counts + j * tiles;
    for (uint64_t r = 0; r < used[j]; ++r) {
      const uint32_t k = at[records[r].tile]++;
      frame_.entries[k] = {records[r].splat, records[r].blocks};
      frame_.slot[k] = base + static_cast<uint32_t>(r);
    }
  });
  return true;
}

// The places of transmittance, last_entry and stop are there after blend.
TileJob Rasterizer::tile_job(int64_t tile) {
  const View& view = frame_.view;
  const int x = static_cast<int>(tile % frame_.tiles_x), y = static_cast<int>(tile / frame_.tiles_x);
  return {frame_.splats.data(),
          frame_.entries.data(),
          frame_.slot.data(),
          frame_.tile_start[size(tile)],
          frame_.tile_start[size(tile + 1)],
          x * kTileSize,
          y * kTileSize,
          view.width,
          view.height,
          {view.background[0], view.background[1], view.background[2]},
          frame_.transmittance.data() + tile * kTilePixels,
          frame_.last_entry.data() + tile * kTilePixels,
          frame_.tile_stop.data() + tile};
}

void Rasterizer::for_traced_tiles(int threads,
                                  const std::function<bool(const TileJob&, const TileTrace&, int64_t)>& work) {
  const int64_t tiles = frame_.tiles(), workers = std::min<int64_t>(threads > 0 ? threads : core_count(), tiles);
  if (traces_.size() < size(workers)) traces_.resize(size(workers));
  std::atomic<int64_t> next{0};
  parallel_for(workers, threads, [&](int64_t worker) {
    Trace& buffers = traces_[size(worker)];
    buffers.alphas.reserve(size(kLeastTraced * kBlockPixels));
    for (int64_t tile; (tile = next.fetch_add(1)) < tiles;) {
      const TileJob job = tile_job(tile);
      buffers.blocks.reserve(job.end - job.start);
      const auto trace = [&] {
        return TileTrace{buffers.alphas.data(), buffers.alphas.capacity() / kBlockPixels, buffers.blocks.data()};
      };
      while (!work(job, trace(), tile)) buffers.alphas.reserve(2 * buffers.alphas.capacity());
    }
  });
}

void Rasterizer::blend(const PictureArrays& picture, int threads) {
  const int64_t tiles = frame_.tiles();
  frame_.transmittance.reserve(size(tiles * kTilePixels));
  frame_.last_entry.reserve(size(tiles * kTilePixels));
  frame_.tile_stop.reserve(size(tiles));
  parallel_for(tiles, threads, [&](int64_t tile) {
    kernels().raster->blend({tile_job(tile), picture.color, picture.alpha, picture.depth});
  });
}

bool Rasterizer::prepare(const View& view, int threads) {
  frame_.view = view;
  frame_.tiles_x = (view.width + kTileSize - 1) / kTileSize;
  frame_.tiles_y = (view.height + kTileSize - 1) / kTileSize;
  project(threads);
  radix_sort(&keys_, &frame_.order, frame_.seen_count, &sort_, threads);
  return list(threads);
}

bool Rasterizer::render(const View& view, const PictureArrays& picture, int threads) {
  if (!prepare(view, threads)) return false;
  blend(picture, threads);
  return true;
}

}  // namespace splatzip
