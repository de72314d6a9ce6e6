// Draws hostile scenes, forward and backward, with every instruction set; meant to be built with
// -fsanitize=address,undefined.
//
//     rasterize ROUNDS            (scripts/sanitize builds and runs it)
//
// Attributes reach over all of float32, pictures have odd sizes, arrays are of just their size. Nothing that comes out
// may be NaN or infinite, and every instruction set must give the same bits.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <vector>

#include "isa.h"
#include "raster.h"

namespace {

using Values = std::vector<float>;
using namespace splatzip;

class Dice {
 public:
  explicit Dice(uint32_t seed) : engine_(seed) {}
  float normal() { return std::normal_distribution<float>()(engine_); }
  int below(int limit) { return std::uniform_int_distribution<int>(0, limit - 1)(engine_); }
  // Of about size 1; with `decades`, of any size.
  float wild(float decades) { return normal() * std::pow(10.0f, decades * normal()); }

 private:
  std::mt19937 engine_;
};

struct Round {
  int splats, degree, width, height;
  Values positions, log_scales, rotations, opacity_logits, sh;
  bool exact_extent, antialias;
  double distance;

  explicit Round(uint32_t seed) {
    Dice dice(seed);
    const float decades = static_cast<float>(seed % 3);
    splats = 1 + dice.below(seed % 5 ? 600 : 20), degree = dice.below(5);
    width = 1 + dice.below(seed % 4 ? 200 : 20), height = 1 + dice.below(150);
    for (int i = 0; i < 3 * splats; ++i) positions.push_back(dice.wild(3 * decades));
    for (int i = 0; i < 3 * splats; ++i) log_scales.push_back(-2 + dice.normal() * (1 + 20 * decades));
    for (int i = 0; i < 4 * splats; ++i) rotations.push_back(dice.wild(8 * decades) + 1e-37f);
    for (int i = 0; i < splats; ++i)
      opacity_logits.push_back(decades > 1 && dice.below(5) == 0 ? INFINITY : 3 * dice.normal());
    for (int i = 0; i < 3 * (degree + 1) * (degree + 1) * splats; ++i) sh.push_back(dice.normal());
    exact_extent = dice.below(2) == 1, antialias = dice.below(2) == 1;
    distance = dice.below(2) ? 4.0 : 0.0;
  }
};

// Picture and gradients in one row.
Values draw(const Round& round) {
  static Rasterizer rasterizer;  // its memory is used again, as it is in use
  const int n = round.splats;
  const size_t pixels = static_cast<size_t>(round.width) * static_cast<size_t>(round.height);
  rasterizer.set_scene({round.positions.data(), round.log_scales.data(), round.rotations.data(),
                        round.opacity_logits.data(), round.sh.data()},
                       n, round.degree, 2);
  const double pose[16] = {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, round.distance, 0, 0, 0, 1}, origin[3] = {};
  const double numbers[5] = {1.0 * round.width, 1.0 * round.width, 0.5 * round.width, 0.5 * round.height, 0.05};
  const View view = {make_camera(pose, origin, numbers, round.width, round.height, round.exact_extent, round.antialias),
                     round.width,
                     round.height,
                     {0.1f, 0.2f, 0.3f}};
  Values color(3 * pixels, NAN), alpha(pixels, NAN), depth(pixels, NAN), g_color(3 * pixels, 0.5f), g_alpha(pixels, -1);
  if (!rasterizer.render(view, {color.data(), alpha.data(), depth.data()}, 2)) return {NAN};
  Values gradients[5] = {Values(round.positions.size(), NAN), Values(round.log_scales.size(), NAN),
                         Values(round.rotations.size(), NAN), Values(round.opacity_logits.size(), NAN),
                         Values(round.sh.size(), NAN)};
  Values g_background(3, NAN);
  rasterizer.backward(
      g_color.data(), g_alpha.data(),
      {gradients[0].data(), gradients[1].data(), gradients[2].data(), gradients[3].data(), gradients[4].data()},
      g_background.data(), 2);
  Values all;
  for (const Values* part : {&color, &alpha, &depth, &g_background}) all.insert(all.end(), part->begin(), part->end());
  for (const Values& part : gradients) all.insert(all.end(), part.begin(), part.end());
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 100;
  for (int seed = 0; seed < rounds; ++seed) {
    const Round round(static_cast<uint32_t>(seed));
    Values expected;
    for (const char* isa : {"scalar", "sse4", "avx2", "avx512"}) {
      if (select_kernels(isa)) continue;  // not on this machine
      const Values found = draw(round);
      for (float value : found) {
        if (std::isfinite(value)) continue;
        std::fprintf(stderr, "round %d, %s: something is not finite\n", seed, isa);
        return 1;
      }
      if (expected.empty()) expected = found;
      if (std::memcmp(expected.data(), found.data(), sizeof(float) * found.size()) != 0) {
        std::fprintf(stderr, "round %d: %s gives other bits than scalar\n", seed, isa);
        return 1;
      }
    }
  }
  std::printf("%d hostile scenes drawn\n", rounds);
  return 0;
}
