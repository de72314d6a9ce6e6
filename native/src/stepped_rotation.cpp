// Codec STEPPED: rotations (FORMAT.md 6.5).
//
// A covariance has no signs and no axis order, so what is coded is one axis (the longest of a needle, the shortest of
// a disc) as a point near the neighbours' same axis, and the turn of a second axis about it.
#include <algorithm>
#include <cstdlib>

#include "isa.h"
#include "splatzip/rounding.h"
#include "stepped_books.h"
#include "stepped_tile.h"

namespace splatzip {
namespace {

// The main and the second axis of each splat as the source has them: x, y, z of both.
std::array<Plane<float>, 6> source_axes(const TileState& tile, const SourceScene& source, const int64_t* rows) {
  std::array<Plane<float>, 6> axes;
  for (auto& plane : axes) plane.clear_to(tile.n, 0.0f);
  for (size_t i = 0; i < static_cast<size_t>(tile.n); ++i) {
    const auto& f = tile.features;
    const bool needle = f[kScale0][i] - f[kScale1][i] > f[kScale1][i] - f[kScale2][i];
    float main_axis[3], second_axis[3];
    coded_axes(source.rotations + rows[i] * 4, source.log_scales + rows[i] * 3, needle, main_axis, second_axis);
    for (size_t a = 0; a < 3; ++a) {
      axes[a][i] = main_axis[a];
      axes[3 + a][i] = second_axis[a];
    }
  }
  return axes;
}

// Planes that the kernels of rotations work on. By books, codes count in parts of the steps.
class RotationWork {
 public:
  RotationWork(const SteppedParams& params, TileState* tile, bool by_books) {
    find_steps(params, *tile, by_books);
    const int64_t n = tile->n;
    for (Plane<int32_t>& plane : codes) plane.fit(n);
    tile->axes.resize(static_cast<size_t>(9 * plane_room(n)));
    planes.n = n;
    planes.runs = runs_of(n);
    planes.room = plane_room(n);
    planes.near = tile->near();
    for (size_t f = 0; f < kFeatures; ++f) planes.features[f] = tile->features[f].data();
    planes.axis = axis_.data();
    planes.spin = spin_.data();
    planes.u = codes[0].data();
    planes.v = codes[1].data();
    planes.w = codes[2].data();
    planes.axes = tile->axes.data();
  }

  // Writer: where the source has its axes.
  void aim(const TileState& tile, const SourceScene& source, const int64_t* rows) {
    truth_ = source_axes(tile, source, rows);
    for (size_t a = 0; a < 3; ++a) {
      planes.true_main[a] = truth_[a].data();
      planes.true_second[a] = truth_[3 + a].data();
    }
  }

  RotationPlanes planes{};
  std::array<Plane<int32_t>, 3> codes;  // u, v, w
  Plane<uint8_t> axis_contexts, spin_contexts;

 private:
  void find_steps(const SteppedParams& params, const TileState& tile, bool by_books) {
    const int64_t n = tile.n;
    Plane<float> by_kind[4];
    const StepRule* rules[4] = {&params.axis[0], &params.axis[1], &params.spin[0], &params.spin[1]};
    for (size_t k = 0; k < 4; ++k) {
      by_kind[k].fit(n);
      StepSum sum = tile.step_sum(*rules[k]);
      sum.sizes = by_kind[k].data();
      kernels().stepped->sum_steps(sum);
    }
    axis_.fit(n, 1.0f);
    spin_.fit(n, 1.0f);
    axis_contexts.fit(n);
    spin_contexts.fit(n);
    RotationSteps steps{};
    steps.n = n;
    for (size_t f = 0; f < kFeatures; ++f) steps.features[f] = tile.features[f].data();
    steps.distance = tile.distance.data();
    for (int kind = 0; kind < 2; ++kind) {
      steps.axis_of[kind] = by_kind[kind].data();
      steps.spin_of[kind] = by_kind[2 + kind].data();
    }
    steps.axis = axis_.data();
    steps.spin = spin_.data();
    steps.axis_contexts = axis_contexts.data();
    steps.spin_contexts = spin_contexts.data();
    kernels().stepped->rotation_steps(steps);
    for (size_t i = 0; by_books && i < static_cast<size_t>(n); ++i) {
      axis_[i] *= 1.0f / kBookFraction;
      spin_[i] *= 1.0f / kBookFraction;
    }
  }

  Plane<float> axis_, spin_;
  std::array<Plane<float>, 6> truth_;
};

}  // namespace

template <class Io>
bool code_rotations(Io& io, const SteppedParams& params, TileState* tile, const SourceScene* source,
                    const int64_t* rows) {
  const int64_t n = tile->n;
  const bool by_books = params.by_books[kRotationBooks];
  RotationWork work(params, tile, by_books);
  if (by_books) {
    Plane<uint8_t> levels;  // of steps alone
    levels.fit(n);
    for (size_t i = 0; i < static_cast<size_t>(n); ++i) levels[i] = work.axis_contexts[i] >> 2;
    if (!code_rows(io, params.books[kRotationBooks], levels.data(), n, &tile->indices[kRotationBooks],
                   {work.planes.u, work.planes.v, work.planes.w}))
      return false;
    kernels().stepped->decode_rotations(work.planes);
    return true;
  }
  auto code_planes = [&] {
    io.plane(work.axis_contexts.data(), work.planes.u, n, true);
    io.plane(work.axis_contexts.data(), work.planes.v, n, true);
    io.plane(work.spin_contexts.data(), work.planes.w, n, true);
  };
  if constexpr (Io::kReading) {
    code_planes();
    kernels().stepped->decode_rotations(work.planes);
  } else {
    work.aim(*tile, *source, rows);
    kernels().stepped->encode_rotations(work.planes);
    for (const Plane<int32_t>& plane : work.codes)
      for (size_t i = 0; i < static_cast<size_t>(n); ++i)
        if (std::abs(plane[i]) >= kMostRotationCode) tile->errors[i][kRotationError] = kLostError;
    code_planes();
  }
  return true;
}

// The turn that is wanted of the second axis is found about the main axis that was wanted, not the one that is chosen.
void quantize_rotations_by_books(const SteppedParams& params, const BookSearch* search, TileState* tile,
                                 const SourceScene& source, const int64_t* rows, int16_t* rest) {
  RotationWork work(params, tile, true);
  work.aim(*tile, source, rows);
  choose_blocks(tile->n, search ? runs_of(tile->n) : tile->n, search, &tile->indices[kRotationBooks],
                {work.planes.u, work.planes.v, work.planes.w}, rest, [&](int64_t first, int64_t end, bool chosen) {
                  work.planes.first = first;
                  work.planes.n = end;
                  (chosen ? kernels().stepped->decode_rotations : kernels().stepped->encode_rotations)(work.planes);
                });
}

template bool code_rotations<StreamReader>(StreamReader&, const SteppedParams&, TileState*, const SourceScene*,
                                           const int64_t*);
template bool code_rotations<StreamWriter>(StreamWriter&, const SteppedParams&, TileState*, const SourceScene*,
                                           const int64_t*);

}  // namespace splatzip
