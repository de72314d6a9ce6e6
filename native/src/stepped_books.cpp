#include "stepped_books.h"

#include <algorithm>

#include "vq.h"

namespace splatzip {

template <class Io>
bool code_index(Io& io, const Codebook& book, size_t b, const uint8_t* levels, int64_t n, Plane<int32_t>* index) {
  Uninitialised<uint8_t> contexts(static_cast<size_t>(n));
  for (size_t i = 0; i < contexts.size(); ++i) contexts[i] = static_cast<uint8_t>(b * kLevels + levels[i]);
  if constexpr (Io::kReading) index->fit(n);
  io.plane(contexts.data(), index->data(), n, false);
  return std::all_of(index->begin(), index->begin() + n, [&](int32_t i) { return i < book.entries; });
}
template bool code_index<StreamReader>(StreamReader&, const Codebook&, size_t, const uint8_t*, int64_t,
                                       Plane<int32_t>*);
template bool code_index<StreamWriter>(StreamWriter&, const Codebook&, size_t, const uint8_t*, int64_t,
                                       Plane<int32_t>*);

void sum_entries(const Codebooks& books, const std::vector<Plane<int32_t>>& indices, int64_t n, const int32_t* rows,
                 const std::vector<int32_t*>& planes) {
  const auto row = [&](int64_t i) { return rows ? rows[i] : i; };
  for (int32_t* plane : planes)
    for (int64_t i = 0; i < n; ++i) plane[row(i)] = 0;
  for (size_t b = 0; b < books.books.size(); ++b) {
    const Codebook& book = books.books[b];
    const int32_t* index = indices[b].data();
    for (int d = 0; d < book.count; ++d) {
      const int16_t* values = book.values.data() + static_cast<int64_t>(d) * book.entries;
      int32_t* plane = planes[static_cast<size_t>(book.first + d)];
      for (int64_t i = 0; i < n; ++i) plane[row(i)] += values[index[i]];
    }
  }
}

namespace {

// Whole numbers of steps: as numbers, or within what entries can say.
int32_t to_code(float x) {
  constexpr float kMost = kMostCode, kRound = 12582912.0f;  // 1.5 * 2^23: to the nearest integer
  return static_cast<int32_t>((std::clamp(x, -kMost, kMost) + kRound) - kRound);
}
int16_t to_number(float x) { return static_cast<int16_t>(std::clamp(to_code(x), -kMostEntryValue, kMostEntryValue)); }

}  // namespace

void choose_blocks(int64_t n, int64_t block, const BookSearch* search, std::vector<Plane<int32_t>>* indices,
                   const std::vector<int32_t*>& planes, int16_t* rest,
                   const std::function<void(int64_t, int64_t, bool)>& code) {
  const size_t width = planes.size();
  if (search) {
    indices->resize(search->books());
    for (Plane<int32_t>& plane : *indices) plane.fit(n);
  }
  std::vector<int16_t> left(static_cast<size_t>(block) * width), chosen(left.size());
  for (int64_t first = 0; first < n; first += block) {
    const int64_t end = std::min(n, first + block);
    code(first, end, false);
    int16_t* out = search ? left.data() : rest + static_cast<size_t>(first) * width;
    for (int64_t i = first; i < end; ++i)
      for (size_t v = 0; v < width; ++v)
        *out++ = static_cast<int16_t>(std::clamp(planes[v][i], -kMostEntryValue, kMostEntryValue));
    if (!search) continue;
    std::vector<int32_t*> index;
    for (Plane<int32_t>& plane : *indices) index.push_back(plane.data() + first);
    search->choose(left.data(), end - first, static_cast<int>(width), index.data(), chosen.data());
    const int16_t* in = chosen.data();
    for (int64_t i = first; i < end; ++i)
      for (size_t v = 0; v < width; ++v) planes[v][i] = *in++;
    code(first, end, true);
  }
}

void choose_entries(const PredictedRows& r, const uint8_t* by_books, const BookSearch* search,
                    std::vector<Plane<int32_t>>* indices, int16_t* rest) {
  const size_t stride = static_cast<size_t>(r.stride), width = static_cast<size_t>(r.width);
  const std::vector<float> zeros(stride);
  Uninitialised<float> values, errors;
  if (search) {
    values.resize(static_cast<size_t>(r.n) * stride);
    errors.resize(values.size());
  }
  const float* known = search ? values.data() : r.targets;
  std::vector<float> predicted(static_cast<size_t>(r.runs) * width), wanted(predicted.size());
  std::vector<int16_t> left(predicted.size()), codes(predicted.size());
  int64_t done = 0;                                        // rows by books
  for (int64_t first = 0; first < r.n; first += r.runs) {  // rows of one block do not depend on each other
    const int64_t end = std::min(r.n, first + r.runs);
    int64_t booked = 0;  // of this block
    for (int64_t i = first; i < end; ++i) {
      float* own_predicted = predicted.data() + static_cast<size_t>(i - first) * width;
      float* own_wanted = wanted.data() + static_cast<size_t>(i - first) * width;
      const float step = r.steps[i], fine = step * (1.0f / kBookFraction);
      const float* target = r.targets + static_cast<size_t>(i) * stride;
      const float* shares = r.shares + static_cast<size_t>(r.distance[i]) * stride;
      const float bound = std::max(0.0f, 0.5f * std::min(r.most_step - step, step));
      const float *other[kNeighbours], *missed[kNeighbours];
      float w[kNeighbours], diffuse[kNeighbours];
      for (int k = 0; k < kNeighbours; ++k) {
        const int32_t at = r.near.row[k][i];
        w[k] = r.near.weight[k][i];
        other[k] = at < 0 ? zeros.data() : known + static_cast<size_t>(at) * stride;
        missed[k] = at < 0 || !search ? zeros.data() : errors.data() + static_cast<size_t>(at) * stride;
        diffuse[k] = at < 0 ? 0.0f : r.diffusion * w[k] * std::min(1.0f, step / r.steps[at]);
      }
      for (size_t v = 0; v < width; ++v) {
        const float mean = ((other[0][v] * w[0] + other[1][v] * w[1]) + other[2][v] * w[2]) + other[3][v] * w[3];
        const float shift = ((missed[0][v] * diffuse[0] + missed[1][v] * diffuse[1]) + missed[2][v] * diffuse[2]) +
                            missed[3][v] * diffuse[3];
        own_predicted[v] = shares[v] * mean;
        own_wanted[v] = target[v] - std::clamp(shift, -bound, bound);
      }
      if (by_books[i]) {
        int16_t* row = left.data() + static_cast<size_t>(booked++) * width;
        for (size_t v = 0; v < width; ++v) row[v] = to_number((own_wanted[v] - own_predicted[v]) / fine);
      } else if (search) {
        for (size_t v = 0; v < width; ++v) r.codes[v][i] = to_code((own_wanted[v] - own_predicted[v]) / step);
      }
    }
    if (rest) std::copy_n(left.begin(), booked * static_cast<int64_t>(width), rest + static_cast<size_t>(done) * width);
    if (search) {
      std::vector<int32_t*> chosen;
      for (Plane<int32_t>& plane : *indices) chosen.push_back(plane.data() + done);
      search->choose(left.data(), booked, r.width, chosen.data(), codes.data());
      const int16_t* code = codes.data();
      for (int64_t i = first; i < end; ++i)
        for (size_t v = 0; v < width; ++v) {
          const size_t in_block = static_cast<size_t>(i - first) * width + v, at = static_cast<size_t>(i) * stride + v;
          const float move = by_books[i] ? static_cast<float>(*code++) * (r.steps[i] * (1.0f / kBookFraction))
                                         : static_cast<float>(r.codes[v][i]) * r.steps[i];
          values[at] = predicted[in_block] + move;
          errors[at] = values[at] - wanted[in_block];
        }
    }
    done += booked;
  }
}

}  // namespace splatzip
