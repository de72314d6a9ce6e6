#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include "../src/isa.h"
#include "../src/stepped.h"
#include "python.h"
#include "stepped_call.h"
#include "stepped_options.h"

namespace splatzip {
namespace {

using Rows = In<float, nb::ndim<2>>;

nb::bytes to_bytes(const std::vector<uint8_t>& data) { return nb::bytes(data.data(), data.size()); }

// None, or row and array of a value that no code says.
nb::object to_object(const LostValue& lost) {
  if (lost.row < 0) return nb::none();
  return nb::make_tuple(lost.row, static_cast<int>(lost.array));
}

// search: the address of a RowSearch, or 0.
nb::dict encode(Rows positions, Rows log_scales, Rows rotations, In<float, nb::ndim<1>> opacity_logits,
                In<float, nb::ndim<3>> sh, int sh_degree, In<uint8_t, nb::ndim<1>> tiers, int tier_count,
                In<int8_t, nb::ndim<2>> classes, int opacity_levels, int opacity_power, double softness,
                std::vector<int> scale_powers, std::vector<std::vector<double>> rules, int64_t tile_splats,
                bool shared_tiles, double diffusion, double sh_dead_zone,
                std::vector<std::vector<std::tuple<int, int, int>>> books, std::vector<double> prices,
                std::vector<double> shares, nb::bytes fitted, uintptr_t search, int threads) {
  SteppedOptions options = options_of(opacity_levels, opacity_power, softness, scale_powers, rules, tile_splats,
                                      shared_tiles, diffusion, sh_dead_zone);
  const std::optional<SteppedParams> fits = fitted_of(fitted);
  options.fitted = fits ? &*fits : nullptr;
  options.search = reinterpret_cast<RowSearch*>(search);
  for (size_t a = 0; a < kBookedAttributes; ++a) {
    for (const auto& [first, count, entries] : books.at(a)) options.books[a].plan.push_back({first, count, entries});
    options.books[a].price = prices.at(a);
    options.books[a].share = shares.at(a);
  }
  SourceArrays source{positions.data(),      log_scales.data(), rotations.data(),
                      opacity_logits.data(), sh.data(),         classes.shape(0) ? classes.data() : nullptr};
  const int64_t n = static_cast<int64_t>(positions.shape(0));
  EncodedScene scene;
  {
    nb::gil_scoped_release unlocked;
    scene = encode_stepped(source, n, sh_degree, tiers.shape(0) ? tiers.data() : nullptr, tier_count, options, threads);
  }
  nb::dict out;
  out["params"] = to_bytes(scene.params);
  out["tables"] = nb::make_tuple(to_bytes(scene.tables[0]), to_bytes(scene.tables[1]));
  nb::list tier_tables;
  for (const auto& tables : scene.tier_tables) tier_tables.append(to_bytes(tables));
  out["tier_tables"] = tier_tables;
  out["books"] = nb::make_tuple(to_bytes(scene.books[0]), to_bytes(scene.books[1]), to_bytes(scene.books[2]));
  nb::list chunks;
  for (const EncodedChunk& c : scene.chunks)
    chunks.append(nb::make_tuple(c.tile, c.tier, c.layer, c.splats,
                                 nb::make_tuple(c.box[0], c.box[1], c.box[2], c.box[3], c.box[4], c.box[5]),
                                 to_bytes(c.bytes)));
  out["chunks"] = chunks;
  auto order = make_array<int64_t>({scene.order.size()});
  std::copy(scene.order.begin(), scene.order.end(), order.data());
  out["order"] = order;
  out["lost"] = to_object(scene.lost);
  return out;
}

nb::tuple round(Rows positions, Rows log_scales, Rows rotations, In<float, nb::ndim<1>> opacity_logits,
                In<float, nb::ndim<3>> sh, int sh_degree, In<uint8_t, nb::ndim<1>> tiers, int tier_count,
                In<int8_t, nb::ndim<2>> classes, int opacity_levels, int opacity_power, double softness,
                std::vector<int> scale_powers, std::vector<std::vector<double>> rules, int64_t tile_splats,
                bool shared_tiles, double diffusion, double sh_dead_zone, nb::bytes fitted, int threads) {
  SteppedOptions options = options_of(opacity_levels, opacity_power, softness, scale_powers, rules, tile_splats,
                                      shared_tiles, diffusion, sh_dead_zone);
  const std::optional<SteppedParams> fits = fitted_of(fitted);
  options.fitted = fits ? &*fits : nullptr;
  const SourceArrays source{positions.data(),      log_scales.data(), rotations.data(),
                            opacity_logits.data(), sh.data(),         classes.shape(0) ? classes.data() : nullptr};
  const size_t n = positions.shape(0);
  auto out_positions = make_array<float>({n, 3}), out_scales = make_array<float>({n, 3}),
       out_rotations = make_array<float>({n, 4}), out_opacities = make_array<float>({n}),
       out_sh = make_array<float>({n, sh.shape(1), 3});
  const SceneOutput out{out_positions.data(), out_scales.data(), out_rotations.data(), out_opacities.data(),
                        out_sh.data()};
  LostValue lost;
  {
    nb::gil_scoped_release unlocked;
    lost = round_stepped(source, static_cast<int64_t>(n), sh_degree, tiers.shape(0) ? tiers.data() : nullptr,
                         tier_count, options, threads, out);
  }
  return nb::make_tuple(nb::make_tuple(out_positions, out_scales, out_rotations, out_opacities, out_sh),
                        to_object(lost));
}

// Returns (arrays, status, failed chunk).
nb::tuple decode(In<uint8_t, nb::ndim<1>> file, nb::bytes params_bytes, std::vector<nb::bytes> book_bytes,
                 std::vector<nb::bytes> table_bytes, std::vector<ChunkTuple> places, int64_t splats, int threads) {
  SteppedCall call;
  if (!call.read(file, params_bytes, book_bytes, table_bytes, places))
    return nb::make_tuple(nb::none(), static_cast<int>(Status::corrupt), call.failed);
  SceneArrays arrays(static_cast<size_t>(splats), call.params);
  const SceneOutput out = arrays.output();
  Status status;
  size_t failed;
  {
    nb::gil_scoped_release unlocked;
    status = decode_stepped(call.params, call.tables, call.chunks, threads, out, &failed);
  }
  return nb::make_tuple(arrays.tuple(), static_cast<int>(status), static_cast<int64_t>(failed));
}

}  // namespace

void bind_stepped(nb::module_& m) {
  m.def("encode_stepped", &encode, nb::arg("positions"), nb::arg("log_scales"), nb::arg("rotations"),
        nb::arg("opacity_logits"), nb::arg("sh"), nb::kw_only(), nb::arg("sh_degree"), nb::arg("tiers"),
        nb::arg("tier_count"), nb::arg("classes"), nb::arg("opacity_levels"), nb::arg("opacity_power"),
        nb::arg("softness"), nb::arg("scale_powers"), nb::arg("rules"), nb::arg("tile_splats"), nb::arg("shared_tiles"),
        nb::arg("diffusion"), nb::arg("sh_dead_zone"), nb::arg("books"), nb::arg("prices"), nb::arg("shares"),
        nb::arg("fitted"), nb::arg("search"), nb::arg("threads"));
  m.def("round_stepped", &round, nb::arg("positions"), nb::arg("log_scales"), nb::arg("rotations"),
        nb::arg("opacity_logits"), nb::arg("sh"), nb::kw_only(), nb::arg("sh_degree"), nb::arg("tiers"),
        nb::arg("tier_count"), nb::arg("classes"), nb::arg("opacity_levels"), nb::arg("opacity_power"),
        nb::arg("softness"), nb::arg("scale_powers"), nb::arg("rules"), nb::arg("tile_splats"), nb::arg("shared_tiles"),
        nb::arg("diffusion"), nb::arg("sh_dead_zone"), nb::arg("fitted"), nb::arg("threads"));
  m.def("decode_stepped", &decode);
  m.def("isa", [] { return std::string(kernels().name); });
}

}  // namespace splatzip
