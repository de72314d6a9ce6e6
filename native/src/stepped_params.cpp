#include "stepped_params.h"

#include <cmath>

#include "splatzip/exact_math.h"

namespace splatzip {
namespace {

void write_rule(ByteWriter& out, const StepRule& rule, int features) {
  out.float32(rule.base);
  out.signed_varint(rule.most);
  for (int f = 0; f < features; ++f) out.signed_varint(rule.weight[static_cast<size_t>(f)]);
}

bool read_int16(ByteReader& in, int16_t* value) {
  int64_t v = in.signed_varint();
  *value = static_cast<int16_t>(v);
  return in.ok() && v == *value;
}

bool read_uint16(ByteReader& in, uint64_t least, uint16_t* value) {
  uint64_t v = in.varint();
  *value = static_cast<uint16_t>(v);
  return in.ok() && v == *value && v >= least;
}

bool read_rule(ByteReader& in, StepRule* rule, int features) {
  rule->base = in.float32();
  bool ok = in.ok() && rule->base > 1e-12f && rule->base < 1e12f;
  ok = read_int16(in, &rule->most) && ok && rule->most >= -kMaxHalfOctaves && rule->most <= kMaxHalfOctaves;
  for (int f = 0; f < features; ++f) {
    int16_t& w = rule->weight[static_cast<size_t>(f)];
    ok = read_int16(in, &w) && ok && w >= -kMostWeight && w <= kMostWeight;
  }
  return ok;
}

template <class Array>
bool read_int16s(ByteReader& in, Array& values) {
  bool ok = true;
  for (int16_t& v : values) ok = ok && read_int16(in, &v);
  return ok;
}

bool read_predict(ByteReader& in, std::array<int16_t, kScaleTerms>* predict) {
  bool ok = read_int16s(in, *predict);
  for (size_t t = kOne + 1; t < predict->size(); ++t)
    ok = ok && (*predict)[t] >= -kMostWeight && (*predict)[t] <= kMostWeight;
  return ok;
}

}  // namespace

CodeTables::CodeTables() {
  auto log2_fixed = [](double q) {
    double x = exact_log(q) * kInvLn2 * 65536.0;
    return static_cast<int32_t>(x < 0 ? x - 0.5 : x + 0.5);
  };
  log2[0] = log2_fixed(0.3);
  for (size_t q = 1; q < log2.size(); ++q) log2[q] = log2_fixed(static_cast<double>(q));
  for (size_t i = 0; i < exp2.size(); ++i)
    exp2[i] = static_cast<uint32_t>(exact_exp(static_cast<double>(i) / 256.0 * (1.0 / kInvLn2)) * 16777216.0 + 0.5);
}

const CodeTables kCodeTables;

SteppedTables::SteppedTables(const SteppedParams& params) {
  const int levels = params.opacity_levels;
  logit.resize(static_cast<size_t>(levels) + 2);
  log2_alpha.resize(logit.size());
  logit.front() = -HUGE_VALF;
  log2_alpha.front() = -16 * 256;
  logit.back() = HUGE_VALF;
  log2_alpha.back() = 0;
  for (int q = 1; q <= levels; ++q) {
    double log_alpha = exact_log((q - 0.5) / levels) * 256.0 / params.opacity_power;
    double alpha = exact_exp(log_alpha);
    logit[static_cast<size_t>(q)] = static_cast<float>(log_alpha - exact_log(1.0 - alpha));
    double x = log_alpha * kInvLn2 * 256.0 - 0.5;
    log2_alpha[static_cast<size_t>(q)] = x < -16 * 256 ? -16 * 256 : static_cast<int32_t>(x);
  }
  for (int e = -kMaxHalfOctaves; e <= kMaxHalfOctaves; ++e) {
    double octave = bits_to_double(static_cast<uint64_t>(1023 + (e >> 1)) << 52);
    half_octave[static_cast<size_t>(e + kMaxHalfOctaves)] =
        static_cast<float>(e & 1 ? octave * 1.4142135623730951 : octave);
  }
}

void write_params(ByteWriter& out, const SteppedParams& p) {
  out.byte(static_cast<uint8_t>(p.sh_degree));
  int flags = p.classes ? 1 : 0;
  for (size_t a = 0; a < kBookedAttributes; ++a) flags |= p.by_books[a] ? 2 << a : 0;
  out.byte(static_cast<uint8_t>(flags));
  out.signed_varint(p.scale_reference);
  out.varint(p.opacity_levels);
  out.varint(p.opacity_power);
  out.float32(p.neighbour_softness);
  for (const ScaleRule& s : p.scales) {
    out.varint(s.power);
    write_rule(out, s.step, p.features());
    for (int16_t w : s.predict) out.signed_varint(w);
  }
  for (const StepRule* rule : {&p.axis[0], &p.axis[1], &p.spin[0], &p.spin[1], &p.position, &p.color})
    write_rule(out, *rule, p.features());
  for (int16_t v : p.color_basis) out.signed_varint(v);
  if (p.sh_degree > 0) {
    write_rule(out, p.sh, p.features());
    for (int16_t v : p.sh_color_basis) out.signed_varint(v);
    for (int16_t v : p.sh_basis) out.signed_varint(v);
  }
  for (int g = 0; g <= p.sh_degree; ++g)
    for (const auto& bucket : p.predict[static_cast<size_t>(g)])
      for (uint8_t v : bucket) out.byte(v);
  for (const auto& terms : p.expect)
    for (int16_t v : terms) out.signed_varint(v);
}

bool read_params(ByteReader& in, SteppedParams* p) {
  p->sh_degree = in.byte();
  const int flags = in.byte();
  p->classes = flags & 1;
  for (size_t a = 0; a < kBookedAttributes; ++a) p->by_books[a] = flags >> (1 + a) & 1;
  const int64_t reference = in.signed_varint();
  p->scale_reference = static_cast<int32_t>(reference);
  bool ok = p->sh_degree <= 4 && flags < 2 << kBookedAttributes && !(p->sh_degree == 0 && p->by_books[kShBooks]) &&
            reference > -(200 << 16) && reference < (200 << 16);
  ok = read_uint16(in, 1, &p->opacity_levels) && read_uint16(in, 16, &p->opacity_power) && ok;
  p->neighbour_softness = in.float32();
  ok = ok && in.ok() && p->neighbour_softness > 1e-6f && p->neighbour_softness < 1e12f;
  for (ScaleRule& s : p->scales)
    ok = ok && read_uint16(in, 16, &s.power) && read_rule(in, &s.step, p->features()) && read_predict(in, &s.predict);
  for (StepRule* rule : {&p->axis[0], &p->axis[1], &p->spin[0], &p->spin[1], &p->position, &p->color})
    ok = ok && read_rule(in, rule, p->features());
  ok = ok && read_int16s(in, p->color_basis);
  if (!ok) return false;
  const size_t rest = static_cast<size_t>(p->rest());
  p->sh_basis.resize(rest * rest);
  p->expect.resize(3 + 3 * rest);
  if (rest > 0)
    ok = read_rule(in, &p->sh, p->features()) && read_int16s(in, p->sh_color_basis) && read_int16s(in, p->sh_basis);
  for (int g = 0; g <= p->sh_degree; ++g)
    for (auto& bucket : p->predict[static_cast<size_t>(g)])
      for (uint8_t& v : bucket) v = in.byte();
  for (auto& terms : p->expect) ok = ok && read_int16s(in, terms);
  return ok && in.at_end();
}

}  // namespace splatzip
