// Fits the weights and cuts of codec COLUMNS to the points at hand. Encoder only; the same numbers on every machine:
// sums are exact integers, the solver is double in a written order, and everything is rounded before it is used.
#pragma once
#include <memory>
#include <vector>

#include "columns.h"
#include "columns_model.h"

namespace splatzip {

// The ways to code a component that compete; cuts are fitted for each.
struct ColumnCandidate {
  ColumnMode mode;
  std::vector<int32_t> error_cuts, level_cuts;
  int pair[2] = {-1, -1};
};

struct FittedColumn {
  std::vector<ColumnCandidate> candidates;
};

// Fills centre, biases and terms of every column of `spec`; `budgets`: contexts that each component may have. Those
// whose contexts are shared only have residual_by_fraction, with common cuts.
std::vector<FittedColumn> fit_columns(ColumnsSpec* spec, const std::vector<std::unique_ptr<Points>>& tiles,
                                      const std::vector<ColumnInput>& inputs, const std::vector<int>& budgets,
                                      int threads);

// The cheapest candidate of each column, and the contexts of all. The points of tiles lose what was predicted of them.
void choose_modes(ColumnsSpec* spec, const std::vector<FittedColumn>& fitted,
                  const std::vector<std::unique_ptr<Points>>& tiles, const std::vector<ColumnInput>& inputs,
                  int threads);

}  // namespace splatzip
