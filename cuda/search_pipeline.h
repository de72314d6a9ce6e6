// RowSearch over a machine. A lane has a row, whose numbers lie in the memory that its block shares; entries go by, the
// same for all lanes.
#pragma once
#include "search.h"
#include "warp.h"

namespace splatzip::cuda {

constexpr int kMostPairs = 48;

struct NearestEntries {
  struct Shared {
    int32_t pairs[kMostPairs][kLanes];
  };
  const int16_t* rows;  // (n, count)
  int64_t n;
  int count, pairs, entries;
  const int32_t *numbers, *costs;  // (entries, pairs), (entries)
  int32_t* indices;

  SPLZ_WARP static int32_t product(int32_t a, int32_t b) {
    return static_cast<int16_t>(a) * static_cast<int16_t>(b) + (a >> 16) * (b >> 16);
  }

  template <class Warp>
  SPLZ_WARP void run(const Warp& warp, int64_t index, Shared* shared) const {
    warp.each([&](int lane) {
      const int64_t row = index * kLanes + lane;
      if (row >= n) return;
      const int16_t* from = rows + row * count;
      for (int pair = 0; pair < pairs; ++pair) {
        const int32_t low = from[2 * pair], high = 2 * pair + 1 < count ? from[2 * pair + 1] : 0;
        shared->pairs[pair][lane] = static_cast<int32_t>(static_cast<uint32_t>(high) << 16 | (low & 0xFFFF));
      }
      constexpr int kTogether = 4;  // entries: each number of the row is loaded once for all of them
      int32_t best = INT32_MAX, chosen = 0;
      for (int entry = 0; entry < entries; entry += kTogether) {
        int32_t sums[kTogether] = {};
        const int32_t* book[kTogether];
        for (int e = 0; e < kTogether; ++e)
          book[e] = numbers + static_cast<int64_t>(entry + e < entries ? entry + e : entry) * pairs;
        for (int pair = 0; pair < pairs; ++pair)
          for (int e = 0; e < kTogether; ++e) sums[e] += product(shared->pairs[pair][lane], book[e][pair]);
        for (int e = 0; e < kTogether && entry + e < entries; ++e) {
          const int32_t cost = costs[entry + e] - sums[e];
          if (cost < best) best = cost, chosen = entry + e;
        }
      }
      indices[row] = chosen;
    });
  }
};

template <class Machine>
class SearchOf : public RowSearch {
 public:
  template <class... Arguments>
  explicit SearchOf(Arguments... arguments) : machine_(arguments...) {}

  bool set_rows(const int16_t* rows, int64_t n, int count) override {
    n_ = n, count_ = count;
    if ((count + 1) / 2 > kMostPairs) return false;
    machine_.forget_problem();
    machine_.write(rows_.reserve(machine_, n * count), rows, n * count);
    machine_.wait();  // the caller's rows may go, pinned or not
    return !machine_.failed();
  }

  bool nearest(const int32_t* numbers, const int32_t* costs, int entries, int32_t* indices) override {
    const int pairs = (count_ + 1) / 2;
    machine_.forget_problem();
    int32_t* const numbers_there = numbers_.reserve(machine_, int64_t{entries} * pairs);
    int32_t* const costs_there = costs_.reserve(machine_, entries);
    int32_t* const found = found_.reserve(machine_, n_);
    machine_.write(numbers_there, numbers, int64_t{entries} * pairs);
    machine_.write(costs_there, costs, entries);
    machine_.run(NearestEntries{rows_.data(), n_, count_, pairs, entries, numbers_there, costs_there, found},
                 (n_ + kLanes - 1) / kLanes);
    machine_.read(indices, found, n_);
    return !machine_.failed();
  }

 private:
  template <class T>
  using Array = typename Machine::template Array<T>;
  Machine machine_;
  int64_t n_ = 0;
  int count_ = 0;
  Array<int16_t> rows_;
  Array<int32_t> numbers_, costs_, found_;
};

}  // namespace splatzip::cuda
