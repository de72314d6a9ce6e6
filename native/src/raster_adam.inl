// Steps of Adam (Kingma and Ba, 2015), one splat a lane; included by isa_kernels.inl inside its anonymous namespace.

// A row of the group; `on` is 1 where the splat is seen, else 0.
inline void adam_row(const AdamJob& job, int row, const float* gradient, float* value, Floats rate, Floats on,
                     int part) {
  float* moment = job.moments + row * kGroup + part * kWidth;
  float* square = job.squares + row * kGroup + part * kWidth;
  const Floats g = load<Floats>(gradient + part * kWidth), before = load<Floats>(moment), v0 = load<Floats>(square);
  const Floats m = before + on * (1 - job.momentum) * (g - before);
  const Floats v = v0 + on * (1 - job.memory) * (g * g - v0);
  store(moment, m);
  store(square, v);
  value += part * kWidth;
  store(value,
        load<Floats>(value) - on * rate * (m * job.unbias_moment) / (root(v * job.unbias_square) + job.least_root));
}

void adam_group(const AdamJob& job) {
  const float rates[kGeometryRows] = {0,
                                      0,
                                      0,
                                      job.log_scale,
                                      job.log_scale,
                                      job.log_scale,
                                      job.rotation,
                                      job.rotation,
                                      job.rotation,
                                      job.rotation,
                                      job.opacity_logit};
  for (int part = 0; part < kBlockParts; ++part) {
    Floats on;
    for (int lane = 0; lane < kWidth; ++lane) on[lane] = static_cast<float>(job.seen >> (part * kWidth + lane) & 1);
    const Floats of_position = load<Floats>(job.sizes + part * kWidth) * job.position;
    for (int row = 0; row < kGeometryRows; ++row)
      adam_row(job, row, job.g_geometry + row * kGroup, job.geometry + row * kGroup,
               row < kLogScaleRow ? of_position : broadcast(rates[row]), on, part);
    for (int row = 0; row < job.sh_rows; ++row)
      adam_row(job, kGeometryRows + row, job.g_sh + row * kGroup, job.sh + row * kGroup,
               broadcast(row < 3 ? job.color : job.sh_rate), on, part);
  }
}
