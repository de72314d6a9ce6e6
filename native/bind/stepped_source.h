// A splatzip.kernels.stepped.Source, read: the same for every device.
#pragma once
#include <nanobind/stl/optional.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <tuple>
#include <vector>

#include "../src/stepped.h"
#include "scene.h"

namespace splatzip {

inline StepRule rule_of(const std::vector<double>& values) {
  StepRule rule;
  rule.base = static_cast<float>(values.at(0));
  rule.most = static_cast<int16_t>(values.at(1));
  for (size_t f = 0; f < kFeatures; ++f) rule.weight[f] = static_cast<int16_t>(values.at(2 + f));
  return rule;
}

// A splatzip.kernels.stepped.Steps.
inline SteppedOptions options_of(nb::handle steps) {
  const auto integer = [&](const char* name) { return nb::cast<int64_t>(steps.attr(name)); };
  const auto number = [&](const char* name) { return nb::cast<double>(steps.attr(name)); };
  SteppedOptions options;
  options.tile_splats = integer("tile_splats");
  options.shared_tiles = nb::cast<bool>(steps.attr("shared_tiles"));
  options.diffusion = static_cast<float>(number("diffusion"));
  options.sh_dead_zone = static_cast<float>(number("sh_dead_zone"));
  SteppedParams& p = options.params;
  p.opacity_levels = static_cast<uint16_t>(integer("opacity_levels"));
  p.opacity_power = static_cast<uint16_t>(integer("opacity_power"));
  p.neighbour_softness = static_cast<float>(number("softness"));
  const auto powers = nb::cast<std::vector<int>>(steps.attr("scale_powers"));
  const auto rules = nb::cast<std::vector<std::vector<double>>>(steps.attr("rules"));
  for (size_t j = 0; j < 3; ++j) {
    p.scales[j].power = static_cast<uint16_t>(powers.at(j));
    p.scales[j].step = rule_of(rules.at(j));
  }
  for (size_t kind = 0; kind < 2; ++kind) {
    p.axis[kind] = rule_of(rules.at(3 + kind));
    p.spin[kind] = rule_of(rules.at(5 + kind));
  }
  p.position = rule_of(rules.at(7));
  p.color = rule_of(rules.at(8));
  p.sh = rule_of(rules.at(9));
  using Plan = std::vector<std::tuple<int, int, int>>;
  const auto plans = nb::cast<std::vector<Plan>>(steps.attr("books"));
  const auto prices = nb::cast<std::vector<double>>(steps.attr("prices"));
  const auto shares = nb::cast<std::vector<double>>(steps.attr("shares"));
  for (size_t a = 0; a < kBookedAttributes; ++a) {
    for (const auto& [first, count, entries] : plans.at(a)) options.books[a].plan.push_back({first, count, entries});
    options.books[a].price = prices.at(a);
    options.books[a].share = shares.at(a);
  }
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

class SteppedSource {
  template <class T, int Dimensions>
  using Array = std::optional<In<T, nb::ndim<Dimensions>>>;
  template <class T, int Dimensions>
  static const T* data_of(const Array<T, Dimensions>& array) {
    return array ? array->data() : nullptr;
  }

 public:
  explicit SteppedSource(nb::handle source)
      : options(options_of(source.attr("steps"))),
        arrays_(nb::cast<GivenScene<const float>>(source.attr("arrays"))),
        classes_(nb::cast<Array<int8_t, 2>>(source.attr("classes"))),
        tiers_(nb::cast<Array<uint8_t, 1>>(source.attr("tiers"))),
        fitted_(fitted_of(nb::cast<nb::bytes>(source.attr("fitted")))) {
    scene = {arrays_.arrays(),
             data_of<int8_t, 2>(classes_),
             data_of<uint8_t, 1>(tiers_),
             arrays_.splats(),
             tiers_ ? 1 + *std::max_element(tiers_->data(), tiers_->data() + tiers_->size()) : 1,
             arrays_.sh_degree()};
    const size_t n = static_cast<size_t>(scene.n);
    if ((classes_ && classes_->shape(0) != n) || (tiers_ && tiers_->shape(0) != n))
      throw nb::value_error("there is not one class or one tier a splat");
    options.fitted = fitted_ ? &*fitted_ : nullptr;
  }
  SteppedSource(const SteppedSource&) = delete;

  SourceScene scene;
  SteppedOptions options;

 private:
  GivenScene<const float> arrays_;
  Array<int8_t, 2> classes_;
  Array<uint8_t, 1> tiers_;
  std::optional<SteppedParams> fitted_;
};

}  // namespace splatzip
