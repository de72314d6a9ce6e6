#include "importance.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "float_mode.h"
#include "parallel.h"
#include "splatzip/exact_math.h"

namespace splatzip {
namespace {

constexpr double kWidest = 60.0;      // log scale: far beyond anything that renders
constexpr double kFarthest = 0x1p30;  // cells
constexpr double kCrowding = 16.0;    // how much it counts that others cover a splat's cell once
constexpr uint64_t kGroups = 256;     // cells are dealt out to so many, each sorted by itself
constexpr int64_t kBlock = 4096;

// A splat in a cell of a grid of its own octave of size.
struct Placed {
  uint64_t cell;
  double alone;    // importance if there were no others
  double covered;  // share of the cell
  int64_t row;
  bool operator<(const Placed& other) const {
    if (cell != other.cell) return cell < other.cell;
    return alone != other.alone ? alone > other.alone : row < other.row;
  }
};

Placed placed(const float* position, const float* log_scales, float logit, int64_t row) {
  double s[3];
  for (int a = 0; a < 3; ++a) s[a] = std::clamp<double>(log_scales[a], -kWidest, kWidest);
  std::sort(s, s + 3);
  const double alpha = 1.0 / (1.0 + exact_exp(-static_cast<double>(logit)));
  const double area = exact_exp(s[2] + s[1]);
  int octave;
  std::frexp(exact_exp(s[2]), &octave);
  const double edge = std::ldexp(1.0, octave + 1);
  uint64_t cell = static_cast<uint64_t>(octave + 1024);
  for (int a = 0; a < 3; ++a) {
    const double at = std::clamp(std::floor(position[a] / edge), -kFarthest, kFarthest);
    cell = (cell ^ static_cast<uint64_t>(static_cast<int64_t>(at) & 0x7fffffff)) * 0x9e3779b97f4a7c15u;
    cell ^= cell >> 29;
  }
  return {cell, alpha * std::sqrt(alpha) * area, alpha * area / (edge * edge), row};
}

// Weighted sampling of splats, with the 3/8th power of their worth as weight: the largest weights over exponential
// variates are a fair sample (Efraimidis and Spirakis 2006). Everything is represented, so that widening makes up for
// the rest; a choice of the most important splats alone would lack whatever is made of small ones.
double drawn(double worth, int64_t row) {
  uint64_t x = static_cast<uint64_t>(row) + 0x9e3779b97f4a7c15u;  // splitmix64: a hash of the row
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
  x = (x ^ x >> 27) * 0x94d049bb133111ebu;
  x ^= x >> 31;
  const double uniform = (static_cast<double>(x >> 11) + 0.5) * 0x1p-53;
  const double fourth_root = std::sqrt(std::sqrt(worth));
  const double weight = fourth_root * std::sqrt(fourth_root);
  return weight / -exact_log(uniform);
}

}  // namespace

void estimate_importance(const float* positions, const float* log_scales, const float* opacity_logits, int64_t n,
                         double* importance, int threads) {
  const ExactFloats exact;
  std::vector<Placed> splats(static_cast<size_t>(n)), dealt(static_cast<size_t>(n));
  parallel_for((n + kBlock - 1) / kBlock, threads, [&](int64_t block) {
    for (int64_t i = block * kBlock; i < std::min(n, (block + 1) * kBlock); ++i)
      splats[static_cast<size_t>(i)] = placed(positions + 3 * i, log_scales + 3 * i, opacity_logits[i], i);
  });
  std::vector<size_t> starts(kGroups + 1);
  for (const Placed& splat : splats) ++starts[splat.cell % kGroups + 1];
  for (size_t g = 0; g < kGroups; ++g) starts[g + 1] += starts[g];
  std::vector<size_t> next(starts.begin(), starts.end() - 1);
  for (const Placed& splat : splats) dealt[next[splat.cell % kGroups]++] = splat;
  parallel_for(static_cast<int64_t>(kGroups), threads, [&](int64_t group) {
    Placed* const begin = dealt.data() + starts[static_cast<size_t>(group)];
    Placed* const end = dealt.data() + starts[static_cast<size_t>(group) + 1];
    std::sort(begin, end);
    double before = 0;
    for (const Placed* splat = begin; splat < end; ++splat) {
      if (splat > begin && splat->cell != splat[-1].cell) before = 0;
      importance[splat->row] = drawn(splat->alone / (1 + kCrowding * before), splat->row);
      before += splat->covered;
    }
  });
}

}  // namespace splatzip
