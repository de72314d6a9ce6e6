// A splatzip.kernels.view.View as an argument of a native function.
#pragma once
#include <algorithm>
#include <exception>

#include "python.h"
#include "splatzip/projection.h"

NAMESPACE_BEGIN(NB_NAMESPACE)
NAMESPACE_BEGIN(detail)

template <>
struct type_caster<splatzip::View> {
  NB_TYPE_CASTER(splatzip::View, const_name("splatzip.kernels.view.View"))

  bool from_python(handle view, uint8_t, cleanup_list*) noexcept {
    using namespace splatzip;
    try {
      const auto pose = cast<In<double, nb::shape<4, 4>>>(view.attr("world_to_camera"));
      const auto origin = cast<In<double, nb::shape<3>>>(view.attr("origin"));
      const auto lens = cast<In<double, nb::shape<5>>>(view.attr("lens"));
      const auto background = cast<In<float, nb::shape<3>>>(view.attr("background"));
      value.width = cast<int>(view.attr("width")), value.height = cast<int>(view.attr("height"));
      value.camera = make_camera(pose.data(), origin.data(), lens.data(), value.width, value.height,
                                 cast<bool>(view.attr("exact_extent")), cast<bool>(view.attr("antialias")));
      std::copy(background.data(), background.data() + 3, value.background);
      return true;
    } catch (const std::exception&) {
      return false;
    }
  }
};

NAMESPACE_END(detail)
NAMESPACE_END(NB_NAMESPACE)
