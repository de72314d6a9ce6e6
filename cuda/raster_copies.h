// A Raster over a machine: copies arrays to where the machine's memory is, and pictures back.
#pragma once
#include "raster_pipeline.h"

namespace splatzip::cuda {

template <class Machine, bool Precise>
class RasterOf : public Raster {
 public:
  template <class... Arguments>
  explicit RasterOf(Arguments... arguments) : machine_(arguments...), pipeline_(&machine_) {}

  bool set_scene(const SceneArrays<const float>& arrays, int64_t splats, int sh_degree, bool on_device) override {
    splats_ = splats, coefficients_ = sh_coefficients(sh_degree);
    if (on_device) {
      pipeline_.set_scene(arrays, splats, sh_degree);
    } else {
      pipeline_.set_scene(
          {copied(0, arrays.positions, 3), copied(1, arrays.log_scales, 3), copied(2, arrays.rotations, 4),
           copied(3, arrays.opacity_logits, 1), copied(4, arrays.sh, 3 * coefficients_)},
          splats, sh_degree);
    }
    return !machine_.failed();
  }

  bool render(const std::vector<ProjectionCamera>& cameras, const PictureShape& shape, float* color, float* alpha,
              float* depth, bool keeps, bool on_device) override {
    const int64_t pixels = static_cast<int64_t>(cameras.size()) * shape.width * shape.height;
    BatchPictures pictures = {color, alpha, depth, nullptr, nullptr};
    if (!on_device)
      pictures = {color_.reserve(machine_, 3 * pixels), alpha ? alpha_.reserve(machine_, pixels) : nullptr,
                  depth ? depth_.reserve(machine_, pixels) : nullptr, nullptr, nullptr};
    if (keeps) {
      pictures.transmittance = transmittance_.reserve(machine_, pixels);
      pictures.last_entry = last_entry_.reserve(machine_, pixels);
    }
    if (!pipeline_.render(cameras, shape, pictures)) return false;
    if (!on_device) {
      machine_.read(color, pictures.color, 3 * pixels);
      if (alpha) machine_.read(alpha, pictures.alpha, pixels);
      if (depth) machine_.read(depth, pictures.depth, pixels);
    }
    return !machine_.failed();
  }

  std::string problem() const override {
    return machine_.failed() ? machine_.problem() : "too many splats on too many tiles; draw a smaller picture";
  }

 private:
  template <class T>
  using Array = typename Machine::template Array<T>;

  const float* copied(int which, const float* from, int width) {
    float* to = scene_[which].reserve(machine_, splats_ * width);
    machine_.write(to, from, splats_ * width);
    return to;
  }

  Machine machine_;
  RasterPipeline<Machine, Precise> pipeline_;
  int64_t splats_ = 0;
  int coefficients_ = 1;
  Array<float> scene_[5], color_, alpha_, depth_, transmittance_;
  Array<uint32_t> last_entry_;
};

}  // namespace splatzip::cuda
