// What the host does before a GPU decodes tiles of codec COLUMNS: heads are read and checked, the specification laid
// out. No payload is touched.
#pragma once
#include <cstdint>
#include <vector>

#include "columns.h"
#include "columns_job.h"
#include "plan_streams.h"

namespace splatzip::cuda {

using ColumnsPlan = PlanOf<PointsChunk, ColumnsParams>;

// Tiles whose first point is row `row` of the outputs, which lie where stages run, as the bytes of `file` will lie at
// `there`. False: something is not legal; decoding on the CPU finds out what.
bool plan_columns(const ColumnsSpec& spec, const std::vector<TableChunk>& tables, const ColumnsTile* tiles,
                  size_t tile_count, int64_t row, const ColumnsOutput& out, const uint8_t* file, const uint8_t* there,
                  ColumnsPlan* plan);

// Memory for planes of `rows` rows: a block that begins at `block`, or how many bytes it takes.
size_t lay_out_planes(int64_t rows, const ColumnsSpec& spec, uint8_t* block, PointsPlanes* planes);

}  // namespace splatzip::cuda
