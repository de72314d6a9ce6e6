#include "../../native/bind/stepped_call.h"
#include "emulation/decode.h"
#include "python.h"

namespace splatzip::cuda {
namespace {

// As decode_stepped of the core, (arrays, status), by the emulated stages; falling: lanes from the last to the first.
nb::tuple emulate(In<uint8_t, nb::ndim<1>> file, nb::bytes params_bytes, std::vector<nb::bytes> book_bytes,
                  std::vector<nb::bytes> table_bytes, std::vector<ChunkTuple> places, int64_t splats, bool falling) {
  SteppedCall call;
  if (!call.read(file, params_bytes, book_bytes, table_bytes, places))
    return nb::make_tuple(nb::none(), static_cast<int>(Status::corrupt));
  SceneArrays arrays(static_cast<size_t>(splats), call.params);
  const SceneOutput out = arrays.output();
  Status status;
  {
    nb::gil_scoped_release unlocked;
    status = emulate_stepped(call.params, call.tables, call.chunks, falling, out);
  }
  return nb::make_tuple(arrays.tuple(), static_cast<int>(status));
}

}  // namespace

void bind_decode(nb::module_& m) { m.def("emulate_stepped", &emulate); }

}  // namespace splatzip::cuda
