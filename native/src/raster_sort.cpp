// A parallel radix sort, least significant digit first. Where a pair goes depends on the keys alone, not on how the
// work was split.
#include "raster_sort.h"

#include <algorithm>
#include <utility>

#include "parallel.h"

namespace splatzip {
namespace {

constexpr int kMostDigitBits = 11;
constexpr int64_t kLeastChunk = 4096;

struct Pass {
  const uint32_t *keys, *values;
  uint32_t *sorted_keys, *sorted_values;
  uint32_t least, mask;
  int shift;
};

uint32_t digit_of(const Pass& pass, uint32_t key) { return (key - pass.least) >> pass.shift & pass.mask; }

void count_digits(const Pass& pass, int64_t first, int64_t last, uint32_t* counts) {
  std::fill(counts, counts + pass.mask + 1, 0u);
  for (int64_t i = first; i < last; ++i) ++counts[digit_of(pass, pass.keys[i])];
}

void scatter(const Pass& pass, int64_t first, int64_t last, uint32_t* next) {
  for (int64_t i = first; i < last; ++i) {
    const uint32_t at = next[digit_of(pass, pass.keys[i])]++;
    pass.sorted_keys[at] = pass.keys[i];
    pass.sorted_values[at] = pass.values[i];
  }
}

}  // namespace

void radix_sort(Buffer<uint32_t>* keys, Buffer<uint32_t>* values, int64_t count, SortScratch* scratch, int threads) {
  if (count < 2) return;
  const auto [low, high] = std::minmax_element(keys->data(), keys->data() + count);
  const uint32_t least = *low, range = *high - *low;
  int bits = 0;
  while (bits < 32 && range >> bits) ++bits;
  const int passes = (bits + kMostDigitBits - 1) / kMostDigitBits;
  if (!passes) return;
  const int digit_bits = (bits + passes - 1) / passes;
  const uint32_t digits = 1u << digit_bits;

  const int workers = threads > 0 ? threads : core_count();
  const int64_t chunks = std::clamp<int64_t>(count / kLeastChunk, 1, workers);
  auto begin = [&](int64_t chunk) { return count * chunk / chunks; };
  scratch->keys.reserve(static_cast<size_t>(count));
  scratch->values.reserve(static_cast<size_t>(count));
  uint32_t* counts = scratch->counts.reserve(static_cast<size_t>(chunks) * digits);
  for (int p = 0; p < passes; ++p) {
    const Pass pass = {keys->data(), values->data(), scratch->keys.data(), scratch->values.data(),
                       least,        digits - 1,     p * digit_bits};
    parallel_for(chunks, threads,
                 [&](int64_t c) { count_digits(pass, begin(c), begin(c + 1), counts + c * int64_t{digits}); });
    uint32_t total = 0;
    for (uint32_t digit = 0; digit < digits; ++digit)
      for (int64_t c = 0; c < chunks; ++c) {
        uint32_t& place = counts[c * int64_t{digits} + digit];
        total += std::exchange(place, total);
      }
    parallel_for(chunks, threads,
                 [&](int64_t c) { scatter(pass, begin(c), begin(c + 1), counts + c * int64_t{digits}); });
    std::swap(*keys, scratch->keys);
    std::swap(*values, scratch->values);
  }
}

}  // namespace splatzip
