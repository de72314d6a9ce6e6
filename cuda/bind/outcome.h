// What a call of a decoder gives Python.
#pragma once
#include <nanobind/stl/string.h>

#include <string>
#include <utility>

#include "../decode.h"
#include "python.h"

namespace splatzip::cuda {

// (what was made, or None; status; words). What the GPU refuses is `refusal`, and the CPU says why.
template <class Made>
nb::tuple outcome(const Decoder& decoder, DecodeStatus status, Made made, Status refusal = Status::corrupt) {
  if (status == DecodeStatus::ok)
    return nb::make_tuple(nb::cast(std::move(made)), static_cast<int>(Status::ok), std::string());
  const bool refused = status == DecodeStatus::refused;
  return nb::make_tuple(nb::none(), static_cast<int>(refused ? refusal : Status::backend),
                        refused ? std::string() : decoder.problem());
}

inline nb::tuple refuse(Status status) { return nb::make_tuple(nb::none(), static_cast<int>(status), std::string()); }

}  // namespace splatzip::cuda
