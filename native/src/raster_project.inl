// Projection, forward and backward, one splat a lane; included by isa_kernels.inl inside its anonymous namespace.

inline SplatShape<Floats> load_shape(const float* rows) {
  SplatShape<Floats> shape;
  for (int k = 0; k < 3; ++k) shape.position[k] = load<Floats>(rows + (kPositionRow + k) * kGroup);
  for (int k = 0; k < 3; ++k) shape.log_scale[k] = load<Floats>(rows + (kLogScaleRow + k) * kGroup);
  for (int k = 0; k < 4; ++k) shape.rotation[k] = load<Floats>(rows + (kRotationRow + k) * kGroup);
  shape.opacity_logit = load<Floats>(rows + kOpacityRow * kGroup);
  return shape;
}

// Unit vectors from the camera, and 1 / distance.
inline Floats direction_of(const Floats* offset, Floats* direction) {
  const Floats inverse = 1.0f / root((offset[0] * offset[0] + offset[1] * offset[1]) + offset[2] * offset[2]);
  for (int k = 0; k < 3; ++k) direction[k] = offset[k] * inverse;
  return inverse;
}

template <int Degree>
inline void colors_of(const float* sh, const Floats* direction, Floats* color) {
  constexpr int kCoefficients = sh_coefficients(Degree);
  Floats basis[kCoefficients];
  sh_basis<Degree>(direction[0], direction[1], direction[2], basis);
  for (int c = 0; c < 3; ++c) color[c] = broadcast(0.5f);
  for (int k = 0; k < kCoefficients; ++k)
    for (int c = 0; c < 3; ++c) color[c] = color[c] + basis[k] * load<Floats>(sh + (3 * k + c) * kGroup);
}

// Which of 16 groups may have splats that are seen: a bit each.
inline unsigned groups_in_frustum(const ProjectionCamera& camera, const FrustumPlanes& planes, const float* bounds) {
  unsigned in_frustum = 0;
  for (int part = 0; part < kBlockParts; ++part) {
    const auto row = [&](int r) { return load<Floats>(bounds + r * kGroup + part * kWidth); };
    const Floats centre[3] = {row(kCentreRow), row(kCentreRow + 1), row(kCentreRow + 2)};
    in_frustum |= bits_of(~outside_frustum(camera, planes, centre, row(kRadiusRow), row(kDeviationRow)))
                  << (part * kWidth);
  }
  return in_frustum;
}

template <int Degree>
uint32_t project_groups(const ProjectJob& job) {
  constexpr int kShRows = 3 * sh_coefficients(Degree);
  constexpr float kLog2e = 1.44269504f;
  constexpr int kFields = 14;
  uint32_t count = 0;
  const FrustumPlanes planes = frustum_planes(*job.camera);
  unsigned in_frustum = 0;
  for (int64_t group = job.first; group < job.last; ++group) {
    if (group % kGroup == 0) in_frustum = groups_in_frustum(*job.camera, planes, job.bounds + group * kBoundRows);
    job.first_splat[group] = job.base + count;
    unsigned seen_of_group = 0;
    if (!(in_frustum >> group % kGroup & 1)) {
      job.seen[group] = 0;
      continue;
    }
    for (int part = 0; part < kBlockParts; ++part) {
      const SplatShape<Floats> shape = load_shape(job.geometry + group * kGeometryRows * kGroup + part * kWidth);
      const Projection<Floats> p = project<LaneMath>(*job.camera, shape);
      unsigned seen = bits_of(is_seen(*job.camera, p));
      seen_of_group |= seen << (part * kWidth);
      if (!seen) continue;
      Floats direction[3], color[3];
      direction_of(p.offset, direction);
      colors_of<Degree>(job.sh + group * kShRows * kGroup + part * kWidth, direction, color);
      for (Floats& c : color) c = c < 0.0f ? Floats{} : c;
      // In the order of ProjectedSplat.
      const Floats fields[kFields] = {p.x,
                                      p.y,
                                      p.slope,
                                      p.along * (-0.5f * kLog2e),
                                      p.across * (-0.5f * kLog2e),
                                      p.radius2 * (-0.5f * kLog2e),
                                      p.opacity,
                                      color[0],
                                      color[1],
                                      color[2],
                                      p.view[2],
                                      p.reach_x,
                                      p.reach_y,
                                      p.lean};
      alignas(64) float lanes[kFields][kWidth];
      for (int f = 0; f < kFields; ++f) store(lanes[f], fields[f]);
      Ellipses ellipses;
      ellipses.x = fields[0], ellipses.y = fields[1], ellipses.slope = fields[2], ellipses.along = fields[3];
      ellipses.across = fields[4], ellipses.cut = fields[5];
      ellipses.reach_x = fields[11], ellipses.reach_y = fields[12], ellipses.lean = fields[13];
      const SmallTouches touches = small_touches(ellipses, job.columns, job.rows, job.tiles_x, seen);
      alignas(64) uint32_t touched[3][kWidth];
      store(touched[0], touches.tile);
      store(touched[1], touches.upper);
      store(touched[2], touches.lower);
      for (; seen; seen &= seen - 1, ++count) {
        const int lane = __builtin_ctz(seen);
        float* splat = reinterpret_cast<float*>(job.splats + count);
        for (int f = 0; f < kFields; ++f) splat[f] = lanes[f][lane];
        job.touched[count] = {touched[0][lane], touched[1][lane], touched[2][lane], 0};
        job.splats[count].row = static_cast<uint32_t>(group * kGroup + part * kWidth + lane);
        std::memcpy(job.depths + count, &job.splats[count].depth, 4);
      }
    }
    job.seen[group] = static_cast<uint16_t>(seen_of_group);
  }
  return count;
}

uint32_t project_groups_of(const ProjectJob& job) {
  switch (job.sh_degree) {
    case 0: return project_groups<0>(job);
    case 1: return project_groups<1>(job);
    case 2: return project_groups<2>(job);
    case 3: return project_groups<3>(job);
    default: return project_groups<4>(job);
  }
}

// Lanes of the splats that are seen, and of gradients that float32 can hold; the rest counts as 0.
inline Floats finite_part(Ints seen, Floats gradient) {
  const Ints finite = (gradient <= 3e38f) & (gradient >= -3e38f);
  return (Floats)((Ints)gradient & seen & finite);
}

template <int Degree>
void project_group_backward(const ProjectBackwardJob& job) {
  constexpr int kCoefficients = sh_coefficients(Degree);
  for (int part = 0; part < kBlockParts; ++part) {
    const int at = part * kWidth;
    Ints seen;
    for (int lane = 0; lane < kWidth; ++lane) seen[lane] = -static_cast<int32_t>(job.seen >> (at + lane) & 1);
    const Projection<Floats> p = project<LaneMath>(*job.camera, load_shape(job.geometry + at));
    Floats direction[3], basis[kCoefficients], weights[kCoefficients], g_color[3], g_direction[3];
    const Floats inverse_distance = direction_of(p.offset, direction);
    sh_basis<Degree>(direction[0], direction[1], direction[2], basis);
    for (int c = 0; c < 3; ++c) g_color[c] = load<Floats>(job.sums + (kColorSum + c) * kGroup + at);
    for (int k = 0; k < kCoefficients; ++k) {
      weights[k] = Floats{};
      for (int c = 0; c < 3; ++c) {
        const int64_t row = (3 * k + c) * kGroup + at;
        weights[k] += load<Floats>(job.sh + row) * g_color[c];
        store(job.g_sh + row, finite_part(seen, basis[k] * g_color[c]));
      }
    }
    sh_gradient<Degree>(direction[0], direction[1], direction[2], weights, g_direction);
    const Floats radial =
        (g_direction[0] * direction[0] + g_direction[1] * direction[1]) + g_direction[2] * direction[2];
    SplatShape<Floats> gradient;
    for (int k = 0; k < 3; ++k) gradient.position[k] = (g_direction[k] - direction[k] * radial) * inverse_distance;
    const auto sum = [&](int row) { return load<Floats>(job.sums + row * kGroup + at); };
    project_backward<LaneMath>(*job.camera, p, {sum(0), sum(1), sum(2), sum(3), sum(4), sum(5)}, &gradient);
    const auto write = [&](int row, Floats value) {
      store(job.g_geometry + row * kGroup + at, finite_part(seen, value));
    };
    for (int k = 0; k < 3; ++k) write(kPositionRow + k, gradient.position[k]);
    for (int k = 0; k < 3; ++k) write(kLogScaleRow + k, gradient.log_scale[k]);
    for (int k = 0; k < 4; ++k) write(kRotationRow + k, gradient.rotation[k]);
    write(kOpacityRow, gradient.opacity_logit);
  }
}

void project_group_backward_of(const ProjectBackwardJob& job) {
  switch (job.sh_degree) {
    case 0: return project_group_backward<0>(job);
    case 1: return project_group_backward<1>(job);
    case 2: return project_group_backward<2>(job);
    case 3: return project_group_backward<3>(job);
    default: return project_group_backward<4>(job);
  }
}
