// Codec STEPPED: scales (FORMAT.md 6.4).
//
// The residuals of the three scales stand number by number, or come from books: then the writer looks for the entries
// block by block, for a splat is predicted from what its neighbours decode to.
#include <algorithm>
#include <cmath>

#include "isa.h"
#include "splatzip/exact_math.h"
#include "splatzip/rounding.h"
#include "stepped_books.h"
#include "stepped_tile.h"
#include "vq.h"

namespace splatzip {
namespace {

// Codes of scale j (writer only): what the errors of opacity and of larger scales leave is made up for.
void choose_scale_codes(const ScaleRule& rule, const ScalePlane& plane, const std::vector<int32_t>& wanted,
                        std::vector<StepErrors>* all_errors, int32_t* codes) {
  for (size_t i = 0; i < wanted.size(); ++i)
    codes[i] = scale_code(plane.j, wanted[i], rule.power, plane.log2_base + plane.half_octaves[i] * 32768,
                          (*all_errors)[i].data());
}

// log2 of the source's scales relative to the reference, largest first, 1/65536 octave.
std::array<std::vector<int32_t>, 3> wanted_scales(const SteppedParams& params, const SourceScene& source,
                                                  const int64_t* rows, size_t n) {
  std::array<std::vector<int32_t>, 3> wanted;
  for (auto& plane : wanted) plane.resize(n);
  for (size_t i = 0; i < n; ++i) {
    int32_t scales[3];
    for (int j = 0; j < 3; ++j) scales[j] = wanted_scale(source.log_scales[rows[i] * 3 + j], params.scale_reference);
    std::sort(scales, scales + 3, std::greater<>());
    for (size_t j = 0; j < 3; ++j) wanted[j][i] = scales[j];
  }
  return wanted;
}

// Planes that the kernels of scales work on.
class ScaleWork {
 public:
  ScaleWork(const SteppedParams& params, TileState* tile) : params_(params), tile_(tile) {
    for (auto& mean : means_) mean.fit(tile->n);
    contexts_.fit(tile->n);
    for (size_t j = 0; j < 3; ++j) {
      tile->scales[j].fit(tile->n);
      half_octaves_[j].fit(tile->n);
      residuals[j].fit(tile->n);
      codes[j].fit(tile->n);
    }
  }

  // Of scale j, when the features before it are known; `by_books` also while books are made.
  ScalePlane plane(size_t j, bool by_books) {
    const ScaleRule& rule = params_.scales[j];
    const double step = static_cast<double>(rule.step.base) / (by_books ? kBookFraction : 1);
    const double base = exact_log(step) * kInvLn2 * 65536.0;
    StepSum steps = tile_->step_sum(rule.step);
    steps.half_octaves = half_octaves_[j].data();
    kernels().stepped->sum_steps(steps);
    ScalePlane plane{};
    plane.n = tile_->n;
    plane.runs = runs_of(tile_->n);
    plane.j = static_cast<int>(j);
    plane.near = tile_->near();
    for (size_t f = 0; f < kFeatures; ++f) plane.features[f] = tile_->features[f].data();
    for (size_t m = 0; m < 3; ++m) plane.means[m] = means_[m].data();
    plane.half_octaves = half_octaves_[j].data();
    plane.log2_base = static_cast<int32_t>(base < 0 ? base - 0.5 : base + 0.5);
    plane.power = rule.power;
    std::copy(rule.predict.begin(), rule.predict.end(), plane.predict);
    plane.log2 = kCodeTables.log2.data();
    plane.exp2 = kCodeTables.exp2.data();
    plane.distance = tile_->distance.data();
    plane.contexts = contexts_.data();
    plane.residuals = residuals[j].data();
    plane.codes = codes[j].data();
    plane.scale = tile_->scales[j].data();
    return plane;
  }

  std::array<Plane<int32_t>, 3> residuals, codes;

 private:
  const SteppedParams& params_;
  TileState* tile_;
  std::array<Plane<int32_t>, 3> means_, half_octaves_;
  Plane<uint8_t> contexts_;
};

}  // namespace

template <class Io>
bool code_scales(Io& io, const SteppedParams& params, TileState* tile, const SourceScene* source, const int64_t* rows) {
  const int64_t n = tile->n;
  const bool by_books = params.by_books[kScaleBooks];
  std::array<std::vector<int32_t>, 3> wanted;
  if constexpr (!Io::kReading)
    if (!by_books) wanted = wanted_scales(params, *source, rows, static_cast<size_t>(n));
  ScaleWork work(params, tile);
  if (by_books && !code_rows(io, params.books[kScaleBooks], tile->distance.data(), n, &tile->indices[kScaleBooks],
                             {work.residuals[0].data(), work.residuals[1].data(), work.residuals[2].data()}))
    return false;
  for (size_t j = 0; j < 3; ++j) {
    ScalePlane plane = work.plane(j, by_books);
    if (by_books) {
      kernels().stepped->decode_scales(plane);
      continue;
    }
    kernels().stepped->scale_contexts(plane);
    if constexpr (Io::kReading) {
      io.plane(plane.contexts, plane.residuals, n, true);
      kernels().stepped->decode_scales(plane);
    } else {
      choose_scale_codes(params.scales[j], plane, wanted[j], &tile->errors, work.codes[j].data());
      kernels().stepped->encode_scales(plane);
      io.plane(plane.contexts, plane.residuals, n, true);
    }
  }
  // From here on distance counts in sizes of the nearest neighbour.
  const Neighbours near = tile->near();
  const auto features = data_of(tile->features);
  kernels().stepped->distances_in_sizes(n, near, features.data(), tile->distance.data());
  return true;
}

// What is expected of a scale depends on no other of the same splat here (SteppedParams as fitted for books): the three
// of a row can be looked up together.
void quantize_scales_by_books(const SteppedParams& params, const BookSearch* search, TileState* tile,
                              const SourceScene& source, const int64_t* rows, int16_t* rest) {
  const int64_t n = tile->n, block = runs_of(n);
  ScaleWork work(params, tile);
  std::array<ScalePlane, 3> planes;
  const auto wanted = wanted_scales(params, source, rows, static_cast<size_t>(n));
  std::vector<StepErrors> no_errors(static_cast<size_t>(n));
  for (size_t j = 0; j < 3; ++j) {
    planes[j] = work.plane(j, true);
    choose_scale_codes(params.scales[j], planes[j], wanted[j], &no_errors, work.codes[j].data());
    std::fill(no_errors.begin(), no_errors.end(), StepErrors{});
  }
  choose_blocks(n, search ? block : n, search, &tile->indices[kScaleBooks],
                {work.residuals[0].data(), work.residuals[1].data(), work.residuals[2].data()}, rest,
                [&](int64_t first, int64_t end, bool chosen) {
                  for (ScalePlane& plane : planes) {
                    plane.first = first;
                    plane.n = end;
                    (chosen ? kernels().stepped->decode_scales : kernels().stepped->encode_scales)(plane);
                  }
                });
}

#define INSTANTIATE(Io) \
  template bool code_scales<Io>(Io&, const SteppedParams&, TileState*, const SourceScene*, const int64_t*);
INSTANTIATE(StreamReader)
INSTANTIATE(StreamWriter)

}  // namespace splatzip
