#include "vq.h"

#include <algorithm>
#include <numeric>

#include "parallel.h"
#include "splatzip/exact_math.h"

namespace splatzip {
namespace {

constexpr int64_t kRowsAtOnce = 1024;     // of a thread
constexpr int64_t kRowsOfAnEntry = 96;    // a book is trained on at most so many for each,
constexpr int64_t kFewestRows = 1 << 16;  // but on these anyway
constexpr int32_t kMostBits = 20 * 256;   // of an index that nothing chose

int32_t pair_of(int16_t low, int16_t high) {
  return static_cast<int32_t>(static_cast<uint32_t>(static_cast<uint16_t>(high)) << 16 | static_cast<uint16_t>(low));
}

int64_t rounded_quotient(int64_t sum, int64_t count) {
  return sum >= 0 ? (sum + count / 2) / count : -((-sum + count / 2) / count);
}

// What each index costs when they come so often, in 1/256 bit.
std::vector<int32_t> bits_of(const std::vector<int64_t>& counts) {
  const int64_t total = std::accumulate(counts.begin(), counts.end(), int64_t{0});
  std::vector<int32_t> bits;
  for (int64_t count : counts) {
    const double share = static_cast<double>(total) / static_cast<double>(std::max<int64_t>(count, 1));
    bits.push_back(count ? static_cast<int32_t>(exact_log(share) * kInvLn2 * 256.0 + 0.5) : kMostBits);
  }
  return bits;
}

// One book in the making: rows of `count` numbers side by side.
class KMeans {
 public:
  KMeans(std::vector<int16_t> rows, int64_t n, int count, RowSearch* search, int threads)
      : rows_(std::move(rows)), n_(n), count_(count), threads_(threads), chosen_(static_cast<size_t>(n)) {
    if (search && search->set_rows(rows_.data(), n_, count_)) search_ = search;
  }

  Codebook run(int entries, double price, int iterations, std::vector<int32_t>* bits) {
    seed(static_cast<int>(std::min<int64_t>(entries, n_)));
    const int priced = price > 0 ? iterations / 2 : 0;  // iterations that know what an index costs
    for (int step = 0; step < iterations; ++step) {
      const bool ends = step >= iterations - priced;
      assign(ends ? bits_of(counts_) : std::vector<int32_t>{}, price);
      gather();
      if (!ends) split_largest();
    }
    sort_by_use();
    *bits = bits_of(counts_);
    return book_;
  }

 private:
  const int16_t* row(int64_t i) const { return rows_.data() + i * count_; }
  void set_entry(size_t entry, const int16_t* values) {
    for (int d = 0; d < count_; ++d) book_.at(d, entry) = values[d];
  }

  // Rows evenly spread over the sum of their lengths: most rows lie near zero, where few entries are enough.
  void seed(int entries) {
    book_.first = 0;
    book_.count = count_;
    book_.entries = entries;
    book_.values.assign(static_cast<size_t>(count_) * static_cast<size_t>(entries), 0);
    std::vector<int64_t> until(static_cast<size_t>(n_));
    int64_t sum = 0;
    for (int64_t i = 0; i < n_; ++i) {
      int64_t length = 1;
      for (int d = 0; d < count_; ++d) length += std::abs(row(i)[d]);
      until[static_cast<size_t>(i)] = sum += length;
    }
    for (int e = 1; e < entries; ++e) {  // entry 0 stays zero
      const int64_t at = sum / entries * e + sum % entries * e / entries;
      const int64_t i = std::lower_bound(until.begin(), until.end(), at) - until.begin();
      set_entry(static_cast<size_t>(e), row(std::min(i, n_ - 1)));
    }
  }

  void assign(const std::vector<int32_t>& bits, double price) {
    const BookSearch search(book_, bits, price);
    if (search_ && search.choose_at_once(*search_, chosen_.data())) return;
    const int64_t blocks = (n_ + kRowsAtOnce - 1) / kRowsAtOnce;
    parallel_for(blocks, threads_, [&](int64_t block) {
      const int64_t begin = block * kRowsAtOnce, n = std::min(kRowsAtOnce, n_ - begin);
      std::vector<int16_t> left(row(begin), row(begin + n));
      int32_t* indices[] = {chosen_.data() + begin};
      search.choose(left.data(), n, count_, indices);
    });
  }

  // Entries become the means of the rows that chose them.
  void gather() {
    const size_t entries = static_cast<size_t>(book_.entries);
    counts_.assign(entries, 0);
    for (int32_t entry : chosen_) ++counts_[static_cast<size_t>(entry)];
    starts_.assign(entries + 1, 0);
    std::partial_sum(counts_.begin(), counts_.end(), starts_.begin() + 1);
    members_.resize(static_cast<size_t>(n_));
    std::vector<int64_t> next(starts_.begin(), starts_.end() - 1);
    for (int64_t i = 0; i < n_; ++i)
      members_[static_cast<size_t>(next[static_cast<size_t>(chosen_[static_cast<size_t>(i)])]++)] = i;
    spread_.assign(entries, 0);
    parallel_for(static_cast<int64_t>(entries), threads_, [&](int64_t at) {
      const size_t entry = static_cast<size_t>(at);
      if (counts_[entry] == 0) return;
      std::vector<int64_t> sums(static_cast<size_t>(count_));
      int64_t square = 0;
      for (int64_t m = starts_[entry]; m < starts_[entry + 1]; ++m) {
        const int16_t* values = row(members_[static_cast<size_t>(m)]);
        for (int d = 0; d < count_; ++d) {
          sums[static_cast<size_t>(d)] += values[d];
          square += values[d] * values[d];
        }
      }
      for (int d = 0; d < count_; ++d) {
        const int64_t mean = rounded_quotient(sums[static_cast<size_t>(d)], counts_[entry]);
        book_.at(d, entry) = static_cast<int16_t>(mean);
        square -= mean * sums[static_cast<size_t>(d)];
      }
      spread_[entry] = square;
    });
  }

  // An entry that nothing chose moves next to one whose rows lie far apart, onto the row farthest from it.
  void split_largest() {
    std::vector<size_t> empty, order(counts_.size());
    for (size_t e = 0; e < counts_.size(); ++e)
      if (counts_[e] == 0) empty.push_back(e);
    if (empty.empty()) return;
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return spread_[a] > spread_[b]; });
    for (size_t k = 0; k < empty.size() && k < order.size() && counts_[order[k]] > 1; ++k) {
      const size_t from = order[k];
      int64_t farthest = -1, at = 0;
      for (int64_t m = starts_[from]; m < starts_[from + 1]; ++m) {
        const int16_t* values = row(members_[static_cast<size_t>(m)]);
        int64_t apart = 0;
        for (int d = 0; d < count_; ++d) {
          const int64_t difference = values[d] - book_.at(d, from);
          apart += difference * difference;
        }
        if (apart > farthest) farthest = apart, at = members_[static_cast<size_t>(m)];
      }
      set_entry(empty[k], row(at));
    }
  }

  void sort_by_use() {
    std::vector<size_t> order;
    for (size_t e = 0; e < counts_.size(); ++e)
      if (counts_[e] > 0) order.push_back(e);
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return counts_[a] > counts_[b]; });
    Codebook sorted = book_;
    sorted.entries = static_cast<int>(order.size());
    sorted.values.resize(static_cast<size_t>(count_) * order.size());
    std::vector<int64_t> counts;
    for (size_t e = 0; e < order.size(); ++e) {
      for (int d = 0; d < count_; ++d) sorted.at(d, e) = book_.at(d, order[e]);
      counts.push_back(counts_[order[e]]);
    }
    book_ = std::move(sorted);
    counts_ = std::move(counts);
  }

  std::vector<int16_t> rows_;
  int64_t n_;
  int count_, threads_;
  RowSearch* search_ = nullptr;  // that has the rows
  Codebook book_;
  std::vector<int32_t> chosen_;                    // entry of each row
  std::vector<int64_t> counts_, starts_, spread_;  // by entry: its rows, the first in members_, their squared distances
  std::vector<int64_t> members_;                   // rows by entry
};

}  // namespace

BookSearch::BookSearch(const Codebooks& books, const std::vector<std::vector<int32_t>>& bits, double price) {
  for (size_t b = 0; b < books.books.size(); ++b) add(books.books[b], bits[b], price);
}

BookSearch::BookSearch(const Codebook& book, const std::vector<int32_t>& bits, double price) { add(book, bits, price); }

void BookSearch::add(const Codebook& book, const std::vector<int32_t>& bits, double price) {
  Packed packed{book.first, book.count, (book.count + 1) / 2, book.entries, {}, {}, {}};
  const int64_t bit = static_cast<int64_t>(price * (kBookFraction * kBookFraction) * 65536.0 + 0.5);  // 1/65536
  for (size_t e = 0; e < static_cast<size_t>(book.entries); ++e) {
    int64_t square = 0;
    for (int d = 0; d < book.count; d += 2) {
      const int16_t low = book.values[static_cast<size_t>(d * book.entries) + e];
      const int16_t high = d + 1 < book.count ? book.values[static_cast<size_t>((d + 1) * book.entries) + e] : 0;
      packed.numbers.push_back(pair_of(low, high));
      square += low * low + high * high;
      packed.rows.push_back(low);
      if (d + 1 < book.count) packed.rows.push_back(high);
    }
    const int64_t cost = bits.empty() ? 0 : bits[e] * bit >> 24;
    packed.costs.push_back(static_cast<int32_t>((square + std::min<int64_t>(cost, 1 << 27)) / 2));
  }
  books_.push_back(std::move(packed));
}

void BookSearch::choose(int16_t* rows, int64_t n, int stride, int32_t* const* indices, int16_t* chosen) const {
  if (chosen) std::fill(chosen, chosen + n * stride, int16_t{0});
  const int64_t blocks = (n + kSearchedRows - 1) / kSearchedRows;
  std::vector<int32_t> packed, index(static_cast<size_t>(blocks * kSearchedRows)), best(index.size());
  for (size_t b = 0; b < books_.size(); ++b) {
    const Packed& book = books_[b];
    packed.assign(index.size() * static_cast<size_t>(book.pairs), 0);
    for (int64_t i = 0; i < n; ++i) {
      const int16_t* row = rows + i * stride + book.first;
      int32_t* out = packed.data() + i / kSearchedRows * book.pairs * kSearchedRows + i % kSearchedRows;
      for (int pair = 0; pair < book.pairs; ++pair)
        out[pair * kSearchedRows] = pair_of(row[2 * pair], 2 * pair + 1 < book.count ? row[2 * pair + 1] : int16_t{0});
    }
    kernels().nearest_entries({blocks, book.pairs, book.entries, packed.data(), book.numbers.data(), book.costs.data(),
                               index.data(), best.data()});
    std::copy_n(index.begin(), n, indices[b]);
    for (int64_t i = 0; i < n; ++i) {
      int16_t* row = rows + i * stride + book.first;
      const int16_t* entry = book.rows.data() + static_cast<int64_t>(indices[b][i]) * book.count;
      for (int d = 0; d < book.count; ++d)
        row[d] = static_cast<int16_t>(std::clamp(row[d] - entry[d], -kMostEntryValue, kMostEntryValue));
      if (!chosen) continue;
      int16_t* sum = chosen + i * stride + book.first;
      for (int d = 0; d < book.count; ++d) sum[d] = static_cast<int16_t>(sum[d] + entry[d]);
    }
  }
}

TrainedBooks train_books(std::vector<int16_t> rows, int64_t n, int stride, const VqOptions& options, RowSearch* search,
                         int threads) {
  TrainedBooks trained;
  for (const BookPlan& plan : options.plan) {
    const int64_t most = std::max(kFewestRows, kRowsOfAnEntry * plan.entries), every = (n + most - 1) / most;
    const int64_t taken = (n + every - 1) / every;
    std::vector<int16_t> part(static_cast<size_t>(taken * plan.count));
    for (int64_t i = 0; i < taken; ++i) {
      const int16_t* row = rows.data() + i * every * stride + plan.first;
      std::copy(row, row + plan.count, part.begin() + i * plan.count);
    }
    std::vector<int32_t> bits;
    Codebook book = KMeans(std::move(part), taken, plan.count, search, threads)
                        .run(plan.entries, options.price, options.iterations, &bits);
    book.first = plan.first;
    book.measure();
    const BookSearch chooser(book, bits, options.price);
    parallel_for((n + kRowsAtOnce - 1) / kRowsAtOnce, threads, [&](int64_t block) {
      const int64_t begin = block * kRowsAtOnce, count = std::min(kRowsAtOnce, n - begin);
      std::vector<int32_t> chosen(static_cast<size_t>(count));
      int32_t* indices[] = {chosen.data()};
      chooser.choose(rows.data() + begin * stride, count, stride, indices);
    });
    trained.books.books.push_back(std::move(book));
    trained.bits.push_back(std::move(bits));
  }
  return trained;
}

}  // namespace splatzip
