/**
 * How the engine's shaders read our texels, and where they are changed to draw differently.
 *
 * The engine cuts a splat off at 2.83 sigma and modifies its falloff to be zero there; scenes are trained, and our
 * other renderers draw, with a plain Gaussian that ends at 3 sigma. Three chunks of its shaders are changed for that:
 * without this, a picture is 10 dB further from the one that the encoder used.
 */

import {
  GSplatFormat,
  PIXELFORMAT_R32U,
  PIXELFORMAT_RGBA32U,
  SHADERLANGUAGE_GLSL,
  ShaderChunks,
  type GraphicsDevice,
} from 'playcanvas';

import { LOG_SCALE_HIGH, LOG_SCALE_LOW, type DrawnDegree } from './packing';

const READ = /* glsl */ `
uvec4 placeTexel;
uvec4 shapeTexel;
vec3 getCenter() {
  placeTexel = loadPlace();
  shapeTexel = loadShape();
  return uintBitsToFloat(placeTexel.xyz);
}
vec4 getColor() {
  return vec4(unpackHalf2x16(placeTexel.w), unpackHalf2x16(shapeTexel.w));
}
vec3 getScale() {
  vec3 steps = vec3(uvec3(shapeTexel.x & 0xffffu, shapeTexel.x >> 16u, shapeTexel.y & 0xffffu));
  return exp(steps * float(${LOG_SCALE_HIGH - LOG_SCALE_LOW}) / 65535.0 + float(${LOG_SCALE_LOW}));
}
vec4 getRotation() {
  vec3 q = vec3(uvec3(shapeTexel.y >> 16u, shapeTexel.z & 0xffffu, shapeTexel.z >> 16u)) / 32767.5 - 1.0;
  return vec4(sqrt(max(0.0, 1.0 - dot(q, q))), q);
}
#include "gsplatUncompressedSHVS"
`;

/** Names of the SH textures, in order, and whether a texel holds four numbers. */
const SH_STREAMS: Record<DrawnDegree, readonly (readonly [name: string, format: number])[]> = {
  0: [],
  1: [['splatSH_1to3', PIXELFORMAT_RGBA32U]],
  2: [
    ['splatSH_1to3', PIXELFORMAT_RGBA32U],
    ['splatSH_4to7', PIXELFORMAT_RGBA32U],
    ['splatSH_8to11', PIXELFORMAT_R32U],
  ],
  3: [
    ['splatSH_1to3', PIXELFORMAT_RGBA32U],
    ['splatSH_4to7', PIXELFORMAT_RGBA32U],
    ['splatSH_8to11', PIXELFORMAT_RGBA32U],
    ['splatSH_12to15', PIXELFORMAT_RGBA32U],
  ],
};

export function shTextureNames(degree: DrawnDegree): readonly string[] {
  return SH_STREAMS[degree].map(([name]) => name);
}

export function splatFormat(device: GraphicsDevice, degree: DrawnDegree): GSplatFormat {
  const streams = [
    { name: 'place', format: PIXELFORMAT_RGBA32U },
    { name: 'shape', format: PIXELFORMAT_RGBA32U },
    ...SH_STREAMS[degree].map(([name, format]) => ({ name, format })),
  ];
  return new GSplatFormat(device, streams, { readGLSL: READ });
}

/** [chunk, what it says, what it has to say]; the engine's version is pinned, and a chunk that differs is an error. */
const CHANGES = [
  ['gsplatPS', '(exp(x * -4.0) - EXP4) * INV_EXP4', 'exp(x * -4.5)'],
  ['gsplatCornerVS', '2.0 * min(sqrt(2.0 * lambda1), vmin)', '3.0 * min(sqrt(lambda1), vmin)'],
  ['gsplatCornerVS', '2.0 * min(sqrt(2.0 * lambda2), vmin)', '3.0 * min(sqrt(lambda2), vmin)'],
  ['gsplatCornerVS', 'float diagonal1 = cov[0][0] + 0.3;', 'float diagonal1 = cov[0][0] + 1.2;'],
  ['gsplatCornerVS', 'float diagonal2 = cov[1][1] + 0.3;', 'float diagonal2 = cov[1][1] + 1.2;'],
  ['gsplatCornerVS', '(cov[0][0] + 0.3) * (cov[1][1] + 0.3)', '(cov[0][0] + 1.2) * (cov[1][1] + 1.2)'],
  ['gsplatCommonVS', 'sqrt(max(0.0, log(alpha / alphaClipValue))) * 0.5', 'sqrt(max(0.0, 2.0 * log(alpha / alphaClipValue))) / 3.0'],
] as const;

/** Makes splats end at 3 sigma. Call it once the engine's own chunks are there, before anything is drawn. */
export function endSplatsAtThreeSigma(device: GraphicsDevice): void {
  const chunks = ShaderChunks.get(device, SHADERLANGUAGE_GLSL);
  for (const [name, before, after] of CHANGES) {
    const chunk = chunks.get(name);
    if (chunk?.split(before).length !== 2) throw new Error(`the engine's ${name} is not the one this was written for`);
    chunks.set(name, chunk.replace(before, after));
  }
}
