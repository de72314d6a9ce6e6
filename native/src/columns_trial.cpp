// Which mode each column of codec COLUMNS is coded in: candidates compete on a sample of tiles.
#include <algorithm>
#include <array>

#include "columns_fit.h"
#include "parallel.h"

namespace splatzip {
namespace {

constexpr size_t kTrialTiles = 16;      // a sample of tiles is enough
constexpr int64_t kCellCost = 1 << 15;  // in 1/2^16 bits

using Counts = std::vector<std::array<uint32_t, 256>>;

// About what a value is coded as: a symbol, and bits beside it.
struct Coded {
  uint32_t symbol;
  int raw_bits;
};
Coded coded_residual(ColumnMode mode, int32_t value, int32_t level) {
  const int32_t sign = mode == ColumnMode::residual_by_fraction && (level & 15) >= 8 ? -1 : 1;
  const uint32_t residual = zigzag((value - rounded_level(level)) * sign);
  const int shift = bit_length(residual) - 7;
  if (shift <= 0) return {residual, 0};
  return {128 + (static_cast<uint32_t>(shift) << 3) + ((residual >> (shift + 3)) & 7), shift + 3};
}

// What the candidate would cost, in 1/2^16 bits: its symbols under a table for each context, and a share of the tables.
int64_t candidate_cost(const Counts& counts, uint64_t raw_bits, int64_t cell_cost) {
  int64_t cost = static_cast<int64_t>(raw_bits) << 16;
  for (const auto& context : counts) {
    uint32_t total = 0;
    for (uint32_t count : context) {
      if (!count) continue;
      total += count;
      cost += cell_cost - n_log2_n(count);
    }
    cost += n_log2_n(total);
  }
  return cost;
}

struct Trial {
  std::vector<Counts> counts;      // by candidate
  std::vector<uint64_t> raw_bits;  // by candidate
};

// Counts what each candidate of each column would code in passes `first` to `last`.
void try_candidates(const ColumnsSpec& spec, const std::vector<FittedColumn>& fitted, Points& points, size_t first,
                    size_t last, std::vector<Trial>* trials) {
  size_t components = fitted.size();
  while (components && fitted[components - 1].candidates.size() < 2) --components;
  for (size_t pass = first; pass <= last; ++pass) {
    points.start_pass();
    const size_t begin = static_cast<size_t>(points.pass_start[pass]),
                 end = static_cast<size_t>(points.pass_start[pass + 1]);
    for (size_t c = 0; c < components; ++c) {
      points.predict(spec, static_cast<int>(c), pass);
      for (size_t k = 0; fitted[c].candidates.size() > 1 && k < fitted[c].candidates.size(); ++k) {
        const ColumnCandidate& candidate = fitted[c].candidates[k];
        ColumnSpec column;
        column.mode = candidate.mode;
        column.error_cuts = candidate.error_cuts, column.level_cuts = candidate.level_cuts;
        std::copy(candidate.pair, candidate.pair + 2, column.pair);
        points.choose_contexts(spec, column, pass);
        Counts& counts = (*trials)[c].counts[k];
        const int low = std::max(0, bit_length(spec.columns[c].size - 1) - 8);
        for (size_t i = begin; i < end; ++i) {
          const Coded coded = candidate.mode == ColumnMode::direct
                                  ? Coded{static_cast<uint32_t>(points.values[c][i]) >> low, low}
                                  : coded_residual(candidate.mode, points.values[c][i], points.level[i - begin]);
          (*trials)[c].raw_bits[k] += static_cast<uint64_t>(coded.raw_bits);
          ++counts[points.contexts[i - begin]][std::min<uint32_t>(coded.symbol, 255)];
        }
      }
      points.remember_errors(spec, static_cast<int>(c), pass);
    }
  }
}

// The cheapest candidate of each column, by the sums of all workers' trials; contexts follow from the modes.
void take_cheapest(ColumnsSpec* spec, const std::vector<FittedColumn>& fitted,
                   const std::vector<std::vector<Trial>>& trials, const std::vector<ColumnInput>& inputs,
                   int64_t cell_cost) {
  std::array<int, kMaxColumnStreams> next{};
  for (size_t c = 0; c < spec->columns.size(); ++c) {
    ColumnSpec& column = spec->columns[c];
    if (column.mode == ColumnMode::coordinate) continue;
    const std::vector<ColumnCandidate>& candidates = fitted[c].candidates;
    size_t best = 0;
    int64_t best_cost = INT64_MAX;
    for (size_t k = 0; candidates.size() > 1 && k < candidates.size(); ++k) {
      Counts counts = trials[0][c].counts[k];
      uint64_t raw_bits = trials[0][c].raw_bits[k];
      for (size_t w = 1; w < trials.size(); ++w) {
        raw_bits += trials[w][c].raw_bits[k];
        for (size_t x = 0; x < counts.size(); ++x)
          for (size_t s = 0; s < 256; ++s) counts[x][s] += trials[w][c].counts[k][x][s];
      }
      const int64_t cost = candidate_cost(counts, raw_bits, cell_cost);
      if (cost < best_cost) best_cost = cost, best = k;
    }
    column.mode = candidates[best].mode;
    column.error_cuts = candidates[best].error_cuts;
    column.level_cuts = candidates[best].level_cuts;
    std::copy(candidates[best].pair, candidates[best].pair + 2, column.pair);
    column.first_context = inputs[c].shared ? 0 : next[static_cast<size_t>(column.stream)];
    next[static_cast<size_t>(column.stream)] += column.contexts();
  }
}

}  // namespace

void choose_modes(ColumnsSpec* spec, const std::vector<FittedColumn>& fitted,
                  const std::vector<std::unique_ptr<Points>>& points, const std::vector<ColumnInput>& inputs,
                  int threads) {
  const size_t tile_count = points.size();
  const size_t step = std::max<size_t>(1, tile_count / kTrialTiles);
  // Counting candidates: a few workers, each with its own counts; the sums do not depend on who counted what. The last
  // pass of a tile, half of its points, and the others need nothing from each other: two workers share a lone tile.
  const bool lone = tile_count == 1;
  const int64_t most_workers = std::min(threads > 0 ? threads : core_count(), 8);
  const int64_t workers = lone ? 2 : std::min<int64_t>(static_cast<int64_t>(tile_count), most_workers);
  const size_t last = static_cast<size_t>(spec->halvings);
  std::vector<std::vector<Trial>> trials(static_cast<size_t>(workers), std::vector<Trial>(fitted.size()));
  parallel_for(workers, threads, [&](int64_t w) {
    std::vector<Trial>& mine = trials[static_cast<size_t>(w)];
    for (size_t c = 0; c < fitted.size(); ++c) {
      if (fitted[c].candidates.size() < 2) continue;
      for (const ColumnCandidate& candidate : fitted[c].candidates)
        mine[c].counts.emplace_back((candidate.error_cuts.size() + 1) * (candidate.level_cuts.size() + 1));
      mine[c].raw_bits.assign(fitted[c].candidates.size(), 0);
    }

    if (lone) {
      Points own = *points[0];
      try_candidates(*spec, fitted, own, w == 0 ? 0 : last, w == 0 ? last - 1 : last, &mine);
      return;
    }
    for (size_t t = static_cast<size_t>(w) * step; t < tile_count; t += static_cast<size_t>(workers) * step)
      try_candidates(*spec, fitted, *points[t], 0, last, &mine);
  });
  // A table's entry costs what a trial on all tiles would say; half a bit more is what fitting a table gains by chance.
  take_cheapest(spec, fitted, trials, inputs, kCellCost + kCellCost / static_cast<int64_t>(step));
}

}  // namespace splatzip
