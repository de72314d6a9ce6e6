// Repair and settling by a GPU, or by the CPU as a GPU would do it: Adam steps of all attributes towards pictures.
// Values, their moments, pictures and what a decoder would have of the values stay where the machine's memory is.
//
//   begin, set_targets, plan -> (show_rounded ->) step, and another -> read
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "raster.h"
#include "round_plan.h"
#include "splatzip/repair.h"

namespace splatzip::cuda {

class RepairSteps {
 public:
  virtual ~RepairSteps() = default;
  // Takes a copy of arrays of the CPU; rotations are normalised.
  virtual bool begin(const SceneArrays<const float>& arrays, int64_t splats, int sh_degree) = 0;
  // Pictures to move towards, which stay where they are; they count from 0.
  virtual void set_targets(std::vector<StoredPicture> targets) = 0;
  // None yet, in the same memory.
  virtual std::unique_ptr<Pictures> make_pictures() const = 0;

  // How values are rounded from now on.
  virtual bool plan(const RoundingPlan& plan) = 0;
  // Pictures are drawn, and gradients taken, with what a decoder would have of the values; or with these arrays.
  virtual bool show_rounded() = 0;
  virtual bool show(const SceneArrays<const float>& arrays) = 0;

  // One step towards a target, which is of the view's size; the `number`th, from 1.
  virtual bool step(const View& view, int target, const RepairRates& rates, int64_t number) = 0;
  // The values (those whose array is not null), or what a decoder would have of them now, to arrays of the CPU.
  virtual bool read(const SceneArrays<float>& arrays) = 0;
  virtual bool read_rounded(const SceneArrays<float>& arrays) = 0;

  // Why something returned false.
  virtual std::string problem() const = 0;
};

std::unique_ptr<RepairSteps> make_repair(void* stream);
std::unique_ptr<RepairSteps> make_emulated_repair(bool falling);

}  // namespace splatzip::cuda
