// The rasterizer's vector kernels; included by isa_kernels.inl inside its anonymous namespace.
#include "raster_lanes.inl"
#include "raster_list.inl"
#include "raster_project.inl"
#include "raster_sums.inl"
#include "raster_blend.inl"
#include "raster_blend_backward.inl"
#include "raster_adam.inl"
#include "raster_score.inl"

const RasterKernels kRasterKernels = {
    &project_groups_of, &list_splats,  &blend_tile,    &blend_backward_tile, &project_group_backward_of,
    &adam_group,        &towards_tile, &score_tile_of, &score_group};
