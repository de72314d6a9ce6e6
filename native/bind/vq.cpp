#include "../src/vq.h"

#include <algorithm>

#include "../src/parallel.h"
#include "python.h"

namespace splatzip {
namespace {

using Rows = In<int16_t, nb::ndim<2>>;

// rows: (n, D); entries: (K, D). Returns (n) int32.
Out<int32_t> nearest_entries(Rows rows, Rows entries, int threads) {
  const int64_t n = static_cast<int64_t>(rows.shape(0)), count = static_cast<int64_t>(entries.shape(0));
  Codebook book;
  book.count = static_cast<int>(rows.shape(1));
  book.entries = static_cast<int>(count);
  book.values.resize(entries.size());
  for (int64_t e = 0; e < count; ++e)
    for (int d = 0; d < book.count; ++d) book.at(d, static_cast<size_t>(e)) = entries.data()[e * book.count + d];
  Out<int32_t> found = make_array<int32_t>({rows.shape(0)});
  {
    nb::gil_scoped_release unlocked;
    const BookSearch search(book, {}, 0);
    constexpr int64_t kBlock = 1024;
    parallel_for((n + kBlock - 1) / kBlock, threads, [&](int64_t block) {
      const int64_t begin = block * kBlock, of_block = std::min(kBlock, n - begin);
      std::vector<int16_t> left(rows.data() + begin * book.count, rows.data() + (begin + of_block) * book.count);
      int32_t* indices[] = {found.data() + begin};
      search.choose(left.data(), of_block, book.count, indices);
    });
  }
  return found;
}

}  // namespace

void bind_vq(nb::module_& m) { m.def("nearest_entries", &nearest_entries); }

}  // namespace splatzip
