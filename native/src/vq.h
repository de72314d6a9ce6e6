// Vector quantization, encoder side: trains codebooks and chooses entries (the file's side: codebooks.h).
//
// Rows are integers in 1/kBookFraction of their splat's step, so that equal distances show about equally: the step is
// the weight of a row. All arithmetic is of integers: the same books from any number of threads and instruction set.
#pragma once
#include <cstdint>
#include <vector>

#include "codebooks.h"

namespace splatzip {

// Where a book lies, and how many entries it may have at most.
struct BookPlan {
  int first, count, entries;
};

struct VqOptions {
  std::vector<BookPlan> plan;  // empty: the attribute is not coded by books
  // What a bit of an index is worth in squared steps (entropy-constrained VQ). For a uniform quantizer with this step,
  // one more bit saves 2 ln 2 / 12 of a squared step.
  double price = 0.1155;
  int iterations = 12;
  double share = 1;  // of the splats, those with the coarsest steps, that SH comes from books for
};

// Searches the nearest entries of all rows at once, on devices other than the CPU: cuda/search.h. A function returns
// false where it cannot, and the CPU does it: the same integers.
class RowSearch {
 public:
  virtual ~RowSearch() = default;
  virtual bool set_rows(const int16_t* rows, int64_t n, int count) = 0;  // (n, count)
  // numbers: (entries, pairs of 16 bits) and costs as BookSearch has them. indices: n.
  virtual bool nearest(const int32_t* numbers, const int32_t* costs, int entries, int32_t* indices) = 0;
};

// Chooses entries: book after book, each for what those before left over.
class BookSearch {
 public:
  // bits: of the indices, by book and entry, in 1/256; empty: all cost the same.
  BookSearch(const Codebooks& books, const std::vector<std::vector<int32_t>>& bits, double price);
  BookSearch(const Codebook& book, const std::vector<int32_t>& bits, double price);

  size_t books() const { return books_.size(); }
  // rows: (n, stride) numbers, replaced by their residuals. indices: by book, n each. chosen: (n, stride), the entries
  // added up; or nullptr.
  void choose(int16_t* rows, int64_t n, int stride, int32_t* const* indices, int16_t* chosen = nullptr) const;
  // The same for the first book alone and the rows that `search` holds, on its device.
  bool choose_at_once(RowSearch& search, int32_t* indices) const {
    return search.nearest(books_[0].numbers.data(), books_[0].costs.data(), books_[0].entries, indices);
  }

 private:
  struct Packed {
    int first, count, pairs, entries;
    std::vector<int32_t> numbers;  // (entries, pairs)
    std::vector<int16_t> rows;     // (entries, count)
    std::vector<int32_t> costs;
  };
  void add(const Codebook& book, const std::vector<int32_t>& bits, double price);
  std::vector<Packed> books_;
};

struct TrainedBooks {
  Codebooks books;                         // most frequent entries first
  std::vector<std::vector<int32_t>> bits;  // of an index, by book and entry, 1/256
};

// Trains one book after the other on the residuals that the previous ones leave of `rows`, (n, stride).
// `search`: the device that searches entries; null: the CPU.
TrainedBooks train_books(std::vector<int16_t> rows, int64_t n, int stride, const VqOptions& options, RowSearch* search,
                         int threads);

}  // namespace splatzip
