// What calls that encode or round in codec STEPPED are given beside a scene, as the bindings take it from Python.
#pragma once
#include <nanobind/stl/vector.h>

#include <optional>
#include <stdexcept>
#include <vector>

#include "../src/stepped.h"
#include "python.h"

namespace splatzip {

inline StepRule rule_of(const std::vector<double>& values) {
  StepRule rule;
  rule.base = static_cast<float>(values.at(0));
  rule.most = static_cast<int16_t>(values.at(1));
  for (size_t f = 0; f < kFeatures; ++f) rule.weight[f] = static_cast<int16_t>(values.at(2 + f));
  return rule;
}

// Arguments that encoding and rounding share, behind the arrays of the scene.
inline SteppedOptions options_of(int opacity_levels, int opacity_power, double softness,
                                 const std::vector<int>& scale_powers, const std::vector<std::vector<double>>& rules,
                                 int64_t tile_splats, bool shared_tiles, double diffusion, double sh_dead_zone) {
  SteppedOptions options;
  options.tile_splats = tile_splats;
  options.shared_tiles = shared_tiles;
  options.diffusion = static_cast<float>(diffusion);
  options.sh_dead_zone = static_cast<float>(sh_dead_zone);
  SteppedParams& p = options.params;
  p.opacity_levels = static_cast<uint16_t>(opacity_levels);
  p.opacity_power = static_cast<uint16_t>(opacity_power);
  p.neighbour_softness = static_cast<float>(softness);
  for (size_t j = 0; j < 3; ++j) {
    p.scales[j].power = static_cast<uint16_t>(scale_powers.at(j));
    p.scales[j].step = rule_of(rules.at(j));
  }
  for (size_t kind = 0; kind < 2; ++kind) {
    p.axis[kind] = rule_of(rules.at(3 + kind));
    p.spin[kind] = rule_of(rules.at(5 + kind));
  }
  p.position = rule_of(rules.at(7));
  p.color = rule_of(rules.at(8));
  p.sh = rule_of(rules.at(9));
  return options;
}

// The parameters of a file, our own; none: empty.
inline std::optional<SteppedParams> fitted_of(const nb::bytes& fitted) {
  if (fitted.size() == 0) return std::nullopt;
  std::optional<SteppedParams> params(std::in_place);
  ByteReader in(reinterpret_cast<const uint8_t*>(fitted.c_str()), fitted.size());
  if (!read_params(in, &*params)) throw std::invalid_argument("not the parameters of codec STEPPED");
  return params;
}

}  // namespace splatzip
