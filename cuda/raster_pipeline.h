// The rasterizer for GPUs, whatever runs it: kernels in their order, and the memory between them. What comes after
// pictures, gradients and scores: raster_passes.h.
//
//   set_scene -> keep some -> render
//   groups -> project -> sort by depth -> entries by splat -> sort by tile -> blend
//
// What a machine is: device_machine.h.
#pragma once
#include <algorithm>
#include <vector>

#include "raster_blend.h"
#include "raster_list.h"
#include "raster_scene.h"

namespace splatzip::cuda {

// Warps a tile. More of them stop earlier and are there for small pictures; fewer look at each entry less often.
constexpr int kBlendBands = 4;
constexpr uint64_t kMostEntries = 0x7FFFFFFF;
constexpr size_t kSortCopies = 2;  // a sort goes back and forth

// Precise: all in float32, for gradients and scores. Else SH and splats are kept in 16-bit floats where that does not
// show (60 dB and more).
template <class Machine, bool Precise>
class RasterPipeline {
 public:
  using Sh = std::conditional_t<Precise, float, uint16_t>;
  using Packed = std::conditional_t<Precise, FullSplat, HalfSplat>;

  explicit RasterPipeline(Machine* machine) : machine_(*machine) {}

  // Arrays where the machine's are; what is needed of them is copied.
  void set_scene(const SceneArrays<const float>& arrays, int64_t splats, int sh_degree) {
    splats_ = splats, degree_ = sh_degree, groups_ = (splats + kGroup - 1) / kGroup;
    if (laid_out_.reserve(machine_, groups_, coefficients()))
      lay_out(FromArrays{arrays, coefficients()}, nullptr, laid_out_);
  }
  // The same scene, of which only what the last view has seen may have moved.
  void set_seen(const SceneArrays<const float>& arrays) {
    lay_out(FromArrays{arrays, coefficients()}, seen_mask_.data(), laid_out_);
  }

  // Keeps these rows of the scene, an array of the host, and drops the others. Nothing else is uploaded again.
  void keep(const uint32_t* rows, int64_t splats) {
    const int64_t groups = (splats + kGroup - 1) / kGroup;
    LaidOut next;
    if (!next.reserve(machine_, groups, coefficients(), rows_.growth(splats))) return;
    machine_.write(rows_.reserve(machine_, splats), rows, splats);
    if (machine_.failed()) return;
    const FromGroups<Sh> from = {scene(), rows_.data(), coefficients()};
    splats_ = splats, groups_ = groups;
    lay_out(from, nullptr, next);
    laid_out_.swap(next);
  }

  // Draws a batch of views: pictures one behind the other. With transmittance and last_entry, for backward. False if
  // there are too many entries or the machine failed.
  bool render(const Views& views, const BatchPictures& pictures) {
    const bool keeps = pictures.transmittance != nullptr;
    if (!list(views, keeps)) return false;
    if (keeps) {
      pictures.depth ? blend<true, true>(pictures) : blend<true, false>(pictures);
    } else {
      pictures.depth ? blend<false, true>(pictures) : blend<false, false>(pictures);
    }
    return !machine_.failed();
  }

  // What the last batch was about. Waits for it: for measurements.
  BatchCounts count() {
    const int64_t all = views_ * groups_;
    std::vector<uint32_t> masks(static_cast<size_t>(all));
    machine_.read(masks.data(), seen_mask_.data(), all);
    const int64_t seen_groups = std::count_if(masks.begin(), masks.end(), [](uint32_t mask) { return mask != 0; });
    return {all, seen_groups, seen_, entries_};
  }
  // Which splats the first view of the last batch sees: a mask by group.
  const uint32_t* seen() const { return seen_mask_.data(); }

 protected:
  template <class T>
  using Array = typename Machine::template Array<T>;

  struct LaidOut {
    Array<float> geometry, colors, bounds;
    Array<Sh> sh;
    // `beside`: bytes that are taken next.
    bool reserve(Machine& machine, int64_t groups, int coefficients, size_t beside = 0) {
      const int64_t of_geometry = groups * kGeometryRows * kGroup, of_colors = groups * 3 * kGroup,
                    of_sh = groups * (coefficients - 1) * 3 * kGroup, of_bounds = groups * kBoundRows;
      if (!machine.has_room(geometry.growth(of_geometry) + colors.growth(of_colors) + sh.growth(of_sh) +
                            bounds.growth(of_bounds) + beside))
        return false;
      geometry.reserve(machine, of_geometry), colors.reserve(machine, of_colors);
      sh.reserve(machine, of_sh), bounds.reserve(machine, of_bounds);
      return !machine.failed();
    }
    GroupedScene<Sh> scene(int64_t splats, int64_t groups) const {
      return {splats, groups, geometry.data(), colors.data(), sh.data(), bounds.data()};
    }
    void swap(LaidOut& other) {
      geometry.swap(other.geometry), colors.swap(other.colors);
      sh.swap(other.sh), bounds.swap(other.bounds);
    }
  };
  template <class From>
  void lay_out(const From& from, const uint32_t* changed, LaidOut& to) {
    machine_.run(GroupScene<Sh, From>{from, changed, splats_, coefficients(), to.geometry.data(), to.colors.data(),
                                      to.sh.data(), to.bounds.data()},
                 groups_);
  }

  // Everything before blending. `owned`: entries are numbers of their own.
  bool list(const Views& views, bool owned) {
    first_view_ = views[0], views_ = static_cast<int64_t>(views.size());
    const int64_t all = views_ * groups_;
    if (all * kGroup > INT64_C(0xFFFFFFFF)) return false;
    if (machine_.failed()) return false;
    std::vector<CulledView> culled;
    for (const View& view : views) culled.push_back({view.camera, frustum_planes(view.camera)});
    machine_.write(view_.reserve(machine_, views_), culled.data(), views_);
    project(all);
    if (!count_entries(all)) return false;
    sort_by_depth(all);
    tiles() <= 0xFFFF ? emit(&keys16_, owned) : emit(&keys32_, owned);
    return !machine_.failed();
  }

  int tiles_x() const { return (first_view_.width + kTileSize - 1) / kTileSize; }
  int tiles_y() const { return (first_view_.height + kTileSize - 1) / kTileSize; }
  int64_t tiles() const { return views_ * tiles_x() * tiles_y(); }

  TileLists<Packed> lists() const {
    const View& of_all = first_view_;
    return {splat_.data(),
            starts_.data(),
            values_.data(),
            owned_ ? owner_.data() : nullptr,
            of_all.width,
            of_all.height,
            tiles_x(),
            tiles_x() * tiles_y(),
            of_all.camera.exact_extent,
            {of_all.background[0], of_all.background[1], of_all.background[2]}};
  }

  GroupedScene<Sh> scene() const { return laid_out_.scene(splats_, groups_); }
  int coefficients() const { return sh_coefficients(degree_); }

  void project(int64_t all) {
    if (!machine_.has_room(splat_.growth(all * kGroup) + depths_.growth(all * kGroup) + tiles_of_.growth(all * kGroup) +
                           seen_mask_.growth(all) + first_.growth(all + 1) + entries_of_.growth(all)))
      return;
    splat_.reserve(machine_, all * kGroup), depths_.reserve(machine_, all * kGroup);
    tiles_of_.reserve(machine_, all * kGroup), seen_mask_.reserve(machine_, all);
    first_.reserve(machine_, all + 1), entries_of_.reserve(machine_, all);
    switch (degree_) {
      case 0: return project_degree<0>(all);
      case 1: return project_degree<1>(all);
      case 2: return project_degree<2>(all);
      case 3: return project_degree<3>(all);
      default: return project_degree<4>(all);
    }
  }
  template <int Degree>
  void project_degree(int64_t all) {
    machine_.run(
        ProjectGroup<Degree, Sh, Packed>{scene(), view_.data(), tiles_x(), tiles_y(), splat_.data(), depths_.data(),
                                         tiles_of_.data(), seen_mask_.data(), first_.data(), entries_of_.data()},
        all);
  }

  // How many are seen and how many entries they have: the only time that the host waits before the picture.
  bool count_entries(int64_t all) {
    const int64_t parts = (all + kSumsAtOnce - 1) / kSumsAtOnce;
    uint64_t* sums = sums_.reserve(machine_, 2 * parts);
    machine_.run(SumEntries{entries_of_.data(), all, sums}, parts);
    machine_.run(SumEntries{first_.data(), all, sums + parts}, parts);
    std::vector<uint64_t> found(static_cast<size_t>(2 * parts));
    machine_.read(found.data(), sums, 2 * parts);
    uint64_t entries = 0, seen = 0;
    for (int64_t part = 0; part < parts; ++part) {
      entries += found[static_cast<size_t>(part)];
      seen += found[static_cast<size_t>(parts + part)];
    }
    if (entries > kMostEntries) return false;
    entries_ = static_cast<int64_t>(entries), seen_ = static_cast<int64_t>(seen);
    machine_.sums_before(first_.data(), all);
    return !machine_.failed();
  }

  void sort_by_depth(int64_t all) {
    const size_t sorted = depth_keys_.growth(seen_) + order_.growth(seen_);
    if (!machine_.has_room(kSortCopies * sorted + first_entry_.growth(seen_ + 1))) return;
    depth_keys_.reserve(machine_, seen_), order_.reserve(machine_, seen_);
    machine_.run(GatherSeen{seen_mask_.data(), first_.data(), depths_.data(), depth_keys_.data(), order_.data()}, all);
    machine_.sort(&depth_keys_, &order_, seen_, 31);  // bits of positive floats
    uint32_t* first_entry = first_entry_.reserve(machine_, seen_ + 1);
    machine_.run(OrderCounts{order_.data(), tiles_of_.data(), seen_, first_entry}, seen_ / kLanes + 1);
    machine_.sums_before(first_entry, seen_ + 1);
  }

  template <class Key>
  void emit(Array<Key>* keys, bool owned) {
    owned_ = owned;
    const size_t sorted = keys->growth(entries_) + values_.growth(entries_);
    if (!machine_.has_room(kSortCopies * sorted + (owned ? owner_.growth(entries_) : 0) + starts_.growth(tiles() + 1)))
      return;
    keys->reserve(machine_, entries_), values_.reserve(machine_, entries_);
    if (owned) owner_.reserve(machine_, entries_);
    machine_.run(EmitEntries<Key, Packed>{splat_.data(), order_.data(), first_entry_.data(), seen_, view_.data(),
                                          groups_ * kGroup, tiles_x(), tiles_y(), keys->data(), values_.data(),
                                          owned ? owner_.data() : nullptr},
                 (seen_ + kLanes - 1) / kLanes);
    int bits = 1;
    while (int64_t{1} << bits < tiles()) ++bits;
    machine_.sort(keys, &values_, entries_, bits);
    starts_.reserve(machine_, tiles() + 1);
    machine_.run(TileStarts<Key>{keys->data(), entries_, tiles(), starts_.data()}, entries_ / kLanes + 1);
  }

  template <bool Keeps, bool WithDepth>
  void blend(const BatchPictures& pictures) {
    machine_.run(BlendBand<kBlendBands, Keeps, WithDepth, Packed>{lists(), pictures}, tiles() * kBlendBands);
  }

  Machine& machine_;
  int64_t splats_ = 0, groups_ = 0, views_ = 0, seen_ = 0, entries_ = 0;
  int degree_ = 0;
  View first_view_ = {};  // whose size, background and extent are those of all views of the batch
  bool owned_ = false;
  LaidOut laid_out_;      // the scene
  Array<uint32_t> rows_;  // those that stayed last
  // The batch: by splat and by group of each view.
  Array<CulledView> view_;
  Array<Packed> splat_;
  Array<uint32_t> depths_, tiles_of_, seen_mask_, first_, entries_of_;
  Array<uint64_t> sums_;
  // By place in the order of depth.
  Array<uint32_t> depth_keys_, order_, first_entry_;
  // By entry, and by tile.
  Array<uint16_t> keys16_;
  Array<uint32_t> keys32_, values_, owner_, starts_;
};

}  // namespace splatzip::cuda
