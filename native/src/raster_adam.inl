// Steps of Adam (Kingma and Ba, 2015), one splat a lane; included by isa_kernels.inl inside its anonymous namespace.

// A row of the group; `on` is 1 where the splat is seen, else 0.
inline void adam_row(const AdamJob& job, int row, const float* gradient, float* value, Floats rate, Floats on,
                     int part) {
  float* moment = job.moments + row * kGroup + part * kWidth;
  float* square = job.squares + row * kGroup + part * kWidth;
  Floats m = load<Floats>(moment), v = load<Floats>(square), x = load<Floats>(value + part * kWidth);
  adam<LaneMath>(job.unbias_moment, job.unbias_square, load<Floats>(gradient + part * kWidth), on, rate, &m, &v, &x);
  store(moment, m);
  store(square, v);
  store(value + part * kWidth, x);
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
