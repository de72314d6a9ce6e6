// Rows of colour and SH: codes to predicted values and back, colour transforms; included by isa_kernels.inl inside its
// anonymous namespace.

constexpr int kRowBlock = kNeighbourWindow;  // rows whose codes are turned around at once
constexpr int kMostStride = 80;

// Register `Part` of r0 g0 b0 r1 ...
template <int Part, int... I>
inline Floats interleaved(Floats r, Floats g, Floats b, std::integer_sequence<int, I...>) {
  constexpr int kFirst = Part * kWidth;
  const Floats red_green = __builtin_shufflevector(r, g, ((kFirst + I) / 3 + ((kFirst + I) % 3 == 1 ? kWidth : 0))...);
  return __builtin_shufflevector(red_green, b, ((kFirst + I) % 3 == 2 ? kWidth + (kFirst + I) / 3 : I)...);
}

// Lanes r0 r1 .., g0 g1 .., b0 b1 .. -> r0 g0 b0 r1 ..: one register of the coefficients of each colour.
template <int Count>
inline void store_interleaved(float* out, Floats r, Floats g, Floats b) {
#if defined(__wasm_simd128__)
  const Floats red_green = __builtin_shufflevector(r, g, 0, 4, 1, 5), later = __builtin_shufflevector(r, g, 2, 6, 3, 7);
  const Floats middle = __builtin_shufflevector(red_green, b, 3, 5, 3, 5);
  const Floats all[3] = {__builtin_shufflevector(red_green, b, 0, 1, 4, 2),
                         __builtin_shufflevector(middle, later, 0, 1, 4, 5),
                         __builtin_shufflevector(later, b, 6, 2, 3, 7)};
  std::memcpy(out, all, sizeof(float) * 3 * Count);
#elif defined(SPLATZIP_NEON)
  const float32x4x3_t colors = {(float32x4_t)r, (float32x4_t)g, (float32x4_t)b};
  if constexpr (Count == kWidth) {
    vst3q_f32(out, colors);
  } else {
    float all[3 * kWidth];
    vst3q_f32(all, colors);
    std::memcpy(out, all, sizeof(float) * 3 * Count);
  }
#else
  const Floats all[3] = {interleaved<0>(r, g, b, Lanes()), interleaved<1>(r, g, b, Lanes()),
                         interleaved<2>(r, g, b, Lanes())};
  std::memcpy(out, all, sizeof(float) * 3 * Count);
#endif
}

// One block of rows through Transform: all coefficients of a colour side by side, as many registers of them at once as
// sums of three colours leave room for.
template <int Count>
void transform_rows(const Transform& t, const float* values, int stride, int64_t first, int rows) {
  constexpr int kParts = (Count + kWidth - 1) / kWidth, kAtOnce = kWidth == 4 && kParts > 2 ? 2 : kParts;
  Floats color[9];
  for (int k = 0; k < 9; ++k) color[k] = broadcast(t.color[k]);
  for (int row = 0; row < rows; ++row) {
    const float* v = values + row * stride;
    float* out = t.out + (first + row) * t.out_stride;
#if defined(__SSE4_1__) && !defined(__AVX2__)
    __asm__("" : "+m"(color));  // to be read where it is needed: the sums take all registers
#endif
#pragma GCC unroll 4
    for (int begin = 0; begin < kParts; begin += kAtOnce) {
      Floats sum[3][kAtOnce] = {};
      const float* bases = t.basis + begin * kWidth;
#if SPLATZIP_LANES < 16  // GCC and browsers read all of a block's numbers first: in a larger one registers run out
#pragma GCC unroll 1
#endif
      for (const float *coded = v, *end = v + 3 * Count; coded != end; coded += 3, bases += kBasisFloats) {
#if defined(__wasm__)
        __asm__("" : "+r"(bases));  // a pointer of its own is less work than a place in both
#endif
        for (int part = 0; part < kAtOnce; ++part) {
          const Floats basis = load<Floats>(bases + part * kWidth);
          for (int c = 0; c < 3; ++c) sum[c][part] = sum[c][part] + basis * coded[c];
        }
      }
#pragma GCC unroll 4
      for (int part = 0; part < kAtOnce; ++part) {
        Floats rgb[3];
        for (int c = 0; c < 3; ++c)
          rgb[c] = (sum[0][part] * color[c * 3] + sum[1][part] * color[c * 3 + 1]) + sum[2][part] * color[c * 3 + 2];
        if (begin + part + 1 < kParts) {
          store_interleaved<kWidth>(out + (begin + part) * kWidth * 3, rgb[0], rgb[1], rgb[2]);
        } else if (begin + part < kParts) {
          store_interleaved<Count - (kParts - 1) * kWidth>(out + (kParts - 1) * kWidth * 3, rgb[0], rgb[1], rgb[2]);
        }
      }
    }
  }
}

void transform_block(const Transform& t, const float* values, int stride, int64_t first, int rows) {
  switch (t.coefficients) {
    case 1: return transform_rows<1>(t, values, stride, first, rows);
    case 3: return transform_rows<3>(t, values, stride, first, rows);
    case 8: return transform_rows<8>(t, values, stride, first, rows);
    case 15: return transform_rows<15>(t, values, stride, first, rows);
    case 24: return transform_rows<24>(t, values, stride, first, rows);
  }
}

constexpr int kTurned = 16;                          // strides are multiples of it
constexpr int kTurnedPlanes = kWidth == 4 ? 8 : 16;  // at once: registers have to hold them

inline void store_as_floats(const int8_t* codes, float* out) {
#if defined(__wasm_simd128__)
  const v128_t all = wasm_i16x8_load8x8(codes);
  wasm_v128_store(out, wasm_f32x4_convert_i32x4(wasm_i32x4_extend_low_i16x8(all)));
  wasm_v128_store(out + 4, wasm_f32x4_convert_i32x4(wasm_i32x4_extend_high_i16x8(all)));
#else
  for (int k = 0; k < kTurnedPlanes; k += kWidth) store(out + k, to_floats(load_signed_bytes(codes + k)));
#endif
}

// Symbols of a block, kTurnedPlanes planes from v on, to rows of floats.
void turn_symbols(const PredictedRows& r, int v, int64_t first, int rows, float* out) {
  constexpr int kRows = 16, kStages = kTurnedPlanes == 8 ? 3 : 4;
  const uint8_t* planes[kTurnedPlanes];
  static constexpr uint8_t kNone[kRowBlock] = {};
  for (int k = 0; k < kTurnedPlanes; ++k) planes[k] = v + k < r.width ? r.coded[v + k].symbols + first : kNone;
  for (int row = 0; row < rows; row += kRows) {
    // Perfect shuffles, as many as halve the planes down to one: byte (plane, row) becomes byte (row, plane).
    Bytes16 from[kTurnedPlanes], to[kTurnedPlanes];
    for (int k = 0; k < kTurnedPlanes; ++k) {
      const Bytes16 u = load<Bytes16>(planes[k] + row);
      from[k] = (u >> 1) ^ -(u & 1);
    }
#pragma GCC unroll 4
    for (int stage = 0; stage < kStages; ++stage) {
#pragma GCC unroll 8
      for (int k = 0; k < kTurnedPlanes / 2; ++k) {
        to[2 * k] = low_pairs(from[k], from[k + kTurnedPlanes / 2]);
        to[2 * k + 1] = high_pairs(from[k], from[k + kTurnedPlanes / 2]);
      }
      std::memcpy(from, to, sizeof from);
    }
    alignas(64) int8_t turned[kTurnedPlanes * kRows];
    std::memcpy(turned, from, sizeof turned);
    float* rows_out = out + row * r.stride + v;
    for (int at = 0; at < kRows; ++at, rows_out += r.stride) store_as_floats(turned + at * kTurnedPlanes, rows_out);
  }
}

// The same where some planes hold values.
void turn_mixed(const PredictedRows& r, int v, int64_t first, int rows, float* out) {
#if defined(__SSE2__) || defined(__wasm_simd128__) || defined(SPLATZIP_NEON)
  const auto four = [&](int plane, int64_t at) -> Four {
    if (plane >= r.width) return Four{};
    const CodePlane& codes = r.coded[plane];
    if (codes.values) return load<Four>(codes.values + at);
    if (codes.shorts) return four_shorts(codes.shorts + at);
    const Four u = four_bytes(codes.symbols + at);
    return (u >> 1) ^ -(u & 1);
  };
  for (int to = v; to < v + kTurned; to += 4)
    for (int row = 0; row < rows; row += 4) {
      FourFloats q[4];
      for (int k = 0; k < 4; ++k) q[k] = __builtin_convertvector(four(to + k, first + row), FourFloats);
      transpose(q);
      for (int k = 0; k < 4; ++k) store(out + (row + k) * r.stride + to, q[k]);
    }
#else
  for (int k = v; k < v + kTurned; ++k)
    for (int row = 0; row < rows; ++row) {
      const int64_t at = first + row;
      const CodePlane codes = k < r.width ? r.coded[k] : CodePlane{};
      const int u = codes.symbols ? codes.symbols[at] : 0;
      const int code = codes.values ? codes.values[at] : codes.shorts ? codes.shorts[at] : u >> 1 ^ -(u & 1);
      out[row * r.stride + k] = static_cast<float>(code);
    }
#endif
}

// Codes of a block, plane by plane, to rows of floats; the padding of rows becomes 0.
void turn_codes(const PredictedRows& r, int64_t first, int rows, float* out) {
  for (int v = 0; v < r.stride; v += kTurned) {
    bool values = false;
    for (int k = v; k < v + kTurned && k < r.width; ++k) values |= r.coded[k].symbols == nullptr;
    if (values) {
      turn_mixed(r, v, first, rows, out);
    } else {
      for (int k = v; k < v + kTurned; k += kTurnedPlanes) turn_symbols(r, k, first, rows, out);
    }
  }
}

template <bool Encode>
void rebuild_rows(const PredictedRows& r) {
  alignas(64) float codes[kRowBlock * kMostStride];
  alignas(64) float zeros[kMostStride] = {};  // the row of a neighbour that is not there
  const int stride = r.stride;
  const int last_slot = static_cast<int>(ring_rows(r.runs)) - 1;
  float *values = r.ring, *errors = r.ring + ring_rows(r.runs) * stride;
  for (int64_t first = 0; first < r.n; first += kRowBlock) {
    const int rows = static_cast<int>(r.n - first < kRowBlock ? r.n - first : kRowBlock);
    if (!Encode) {
      turn_codes(r, first, rows, codes);
    }
    for (int row = 0; row < rows; ++row) {
      const int64_t i = first + row;
      float w[kNeighbours];
      const float *other[kNeighbours], *missed[kNeighbours];
      float diffuse[kNeighbours];
      for (int k = 0; k < kNeighbours; ++k) {
        const int at = r.near.row[k][i];
        w[k] = r.near.weight[k][i];
        const int slot = at & last_slot;
        other[k] = at < 0 ? zeros : values + slot * stride;
        if (Encode) {
          missed[k] = at < 0 ? zeros : errors + slot * stride;
          float ratio = at < 0 ? 0.0f : r.steps[i] / r.steps[at];
          diffuse[k] = r.diffusion * w[k] * (ratio < 1.0f ? ratio : 1.0f);
        }
      }
      const float step = r.steps[i];
      const float room = r.most_step - step, bound = 0.5f * (room < step ? room : step);
      const float* shares = r.shares + r.distance[i] * stride;
      float* own = values + (i & last_slot) * stride;
      const float* targets = Encode ? r.targets + i * stride : nullptr;
      float* own_errors = Encode ? errors + (i & last_slot) * stride : nullptr;
      float* row_codes = codes + row * stride;
      // Of kWidth values. What is constant comes last: then it is part of an instruction.
      const auto rebuild = [&](int v, int part) {
        const auto of = [&](const float* values) { return load<Floats>(values + v + part); };
        Floats mean = ((of(other[0]) * w[0] + of(other[1]) * w[1]) + of(other[2]) * w[2]) + of(other[3]) * w[3];
        Floats predicted = of(shares) * mean, code;
        if (Encode) {
          Floats target = of(targets);
          Floats shift = ((of(missed[0]) * diffuse[0] + of(missed[1]) * diffuse[1]) + of(missed[2]) * diffuse[2]) +
                         of(missed[3]) * diffuse[3];
          shift = shift > bound ? Floats{} + bound : shift;
          shift = shift < -bound ? Floats{} - bound : shift;
          Floats wanted = target - shift;
          code = rounded_code((wanted - predicted) / step, r.dead_zone);
          store(row_codes + v + part, code);
          Floats value = predicted + code * step;
          store(own + v + part, value);
          store(own_errors + v + part, value - wanted);
        } else {
          store(own + v + part, predicted + of(row_codes) * step);
        }
      };
      for (int v = 0; v < stride; v += kTurned) {
#pragma GCC unroll 4
        for (int part = 0; part < kTurned; part += kWidth) rebuild(v, part);
      }
    }
    if (Encode) {
      for (int v = 0; v < r.width; ++v) {
        int32_t* plane = r.codes[v] + first;
        for (int row = 0; row < rows; ++row) plane[row] = static_cast<int32_t>(codes[row * stride + v]);
      }
    } else {
      transform_block(*r.transform, values + (first & last_slot) * stride, stride, first, rows);
    }
  }
}

void decode_rows(const PredictedRows& r) { rebuild_rows<false>(r); }
void encode_rows(const PredictedRows& r) { rebuild_rows<true>(r); }

template <int Padded>
void to_targets_of(const ForwardTransform& t) {
  constexpr int kParts = (Padded + kWidth - 1) / kWidth;
  constexpr int64_t kAhead = 8;
  alignas(64) float out[3][kParts * kWidth];
  for (int64_t i = 0; i < t.n; ++i) {
    const float* sh = t.sh + t.rows[i] * t.sh_stride;
    if (i + kAhead < t.n) {  // rows of the source come in no order that a machine could guess
      const float* ahead = t.sh + t.rows[i + kAhead] * t.sh_stride;
      for (int at = 0; at < 3 * t.coefficients; at += 16) __builtin_prefetch(ahead + at);
    }
    Floats sum[3][kParts] = {};
    for (int j = 0; j < t.coefficients; ++j) {
      float coded[3];
      for (int c = 0; c < 3; ++c)
        coded[c] =
            (sh[j * 3] * t.color[c * 3] + sh[j * 3 + 1] * t.color[c * 3 + 1]) + sh[j * 3 + 2] * t.color[c * 3 + 2];
      for (int part = 0; part < kParts; ++part) {
        Floats basis = load<Floats>(t.basis + j * kBasisFloats + part * kWidth);
        for (int c = 0; c < 3; ++c) sum[c][part] = sum[c][part] + basis * coded[c];
      }
    }
    for (int c = 0; c < 3; ++c)
      for (int part = 0; part < kParts; ++part) store(out[c] + part * kWidth, sum[c][part]);
    float* target = t.targets + i * t.stride;
    for (int k = 0; k < t.coefficients; ++k)
      for (int c = 0; c < 3; ++c) target[k * 3 + c] = out[c][k];
  }
}

void to_targets(const ForwardTransform& t) {
  if (t.coefficients <= 4) return to_targets_of<4>(t);
  if (t.coefficients <= 8) return to_targets_of<8>(t);
  if (t.coefficients <= 16) return to_targets_of<16>(t);
  return to_targets_of<32>(t);
}
