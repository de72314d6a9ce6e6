// The five arrays of a scene, between Python and native code.
#pragma once
#include <exception>

#include "python.h"
#include "splatzip/scene_arrays.h"
#include "splatzip/spherical_harmonics.h"

namespace splatzip {

// Those of the caller, a sequence in the order of SceneArrays. T: const float, or float for arrays to be filled.
template <class T>
struct GivenScene {
  template <int Dimensions>
  using Array = nb::ndarray<T, nb::ndim<Dimensions>, nb::c_contig, nb::device::cpu>;
  Array<2> positions, log_scales, rotations;
  Array<1> opacity_logits;
  Array<3> sh;

  int64_t splats() const { return static_cast<int64_t>(positions.shape(0)); }
  int sh_degree() const {
    int degree = 0;
    while (static_cast<size_t>((degree + 1) * (degree + 1)) < sh.shape(1)) ++degree;
    return degree;
  }
  // Raises ValueError if they are not of one scene.
  SceneArrays<T> arrays() const {
    const size_t n = positions.shape(0), coefficients = static_cast<size_t>((sh_degree() + 1) * (sh_degree() + 1));
    const auto is = [n](const auto& array, size_t width) { return array.shape(0) == n && array.size() == n * width; };
    if (!is(positions, 3) || !is(log_scales, 3) || !is(rotations, 4) || !is(opacity_logits, 1) ||
        !is(sh, 3 * coefficients) || coefficients > kMaxShCoefficients)
      throw nb::value_error("the five arrays are not of one scene");
    return {positions.data(), log_scales.data(), rotations.data(), opacity_logits.data(), sh.data()};
  }
};

// New ones.
struct NewScene {
  NewScene(size_t n, size_t coefficients)
      : positions(make_array<float>({n, 3})),
        log_scales(make_array<float>({n, 3})),
        rotations(make_array<float>({n, 4})),
        opacity_logits(make_array<float>({n})),
        sh(make_array<float>({n, coefficients, 3})) {}
  SceneArrays<float> arrays() {
    return {positions.data(), log_scales.data(), rotations.data(), opacity_logits.data(), sh.data()};
  }
  nb::tuple tuple() const { return nb::make_tuple(positions, log_scales, rotations, opacity_logits, sh); }

  Out<float> positions, log_scales, rotations, opacity_logits, sh;
};

}  // namespace splatzip

NAMESPACE_BEGIN(NB_NAMESPACE)
NAMESPACE_BEGIN(detail)

template <class T>
struct type_caster<splatzip::GivenScene<T>> {
  NB_TYPE_CASTER(splatzip::GivenScene<T>, const_name("Sequence"))

  bool from_python(handle arrays, uint8_t, cleanup_list*) noexcept {
    using Scene = splatzip::GivenScene<T>;
    constexpr bool kConvert = std::is_const_v<T>;  // what is to be filled has to be the caller's
    try {
      value.positions = cast<typename Scene::template Array<2>>(arrays[0], kConvert);
      value.log_scales = cast<typename Scene::template Array<2>>(arrays[1], kConvert);
      value.rotations = cast<typename Scene::template Array<2>>(arrays[2], kConvert);
      value.opacity_logits = cast<typename Scene::template Array<1>>(arrays[3], kConvert);
      value.sh = cast<typename Scene::template Array<3>>(arrays[4], kConvert);
      return true;
    } catch (const std::exception&) {
      return false;
    }
  }
};

NAMESPACE_END(detail)
NAMESPACE_END(NB_NAMESPACE)
