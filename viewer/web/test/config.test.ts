import assert from 'node:assert/strict';
import { test } from 'node:test';

import { configOf, DEFAULTS, doubtsAbout, SETTINGS } from '../src/config';
import { capacityOf } from '../src/device';

test('what is not said, or makes no sense, is as usual', () => {
  assert.deepEqual(configOf({}), DEFAULTS);
  const odd = { src: '', background: 'red', 'max-splats': '-3', controls: 'walk', up: 'sideways', link: 'false', ui: 'some' };
  assert.deepEqual(configOf(odd), DEFAULTS);
});

test('what makes no sense is said, with what would', () => {
  const odd = { src: 'x', background: 'red', 'max-splats': '-3', controls: 'walk', up: 'sideways', link: 'off', ui: 'some', class: 'a' };
  assert.deepEqual(doubtsAbout(odd), [
    '<splat-zip>: background="red" is not known; it may be #rgb or #rrggbb',
    '<splat-zip>: max-splats="-3" is not known; it may be a number above 0',
    '<splat-zip>: controls="walk" is not known; it may be orbit or fly',
    '<splat-zip>: up="sideways" is not known; it may be -y, z, y, -z, x, -x',
    '<splat-zip>: link="off" is not known; it may be nothing, true or false',
    '<splat-zip>: ui="some" is not known; it may be none, or leave it out',
  ]);
  const plain = { src: '', background: 'FFF', 'max-splats': '5e5', controls: 'fly', up: '-z', link: '', ui: 'none' };
  assert.deepEqual(doubtsAbout(plain), []);
  assert.deepEqual(doubtsAbout(Object.fromEntries(SETTINGS.map((name) => [name, null]))), []);
});

test('what is said is heard', () => {
  const said = { src: 'a.splatz', background: '#08f', 'max-splats': '5e5', controls: 'fly', up: 'z', link: '', ui: 'none' };
  assert.deepEqual(configOf(said), {
    src: 'a.splatz',
    background: [0, 8 / 15, 1],
    maxSplats: 500_000,
    controls: 'fly',
    up: [0, 0, 1],
    link: true,
    ui: false,
  });
});

test('a phone takes fewer splats and pixels than a desk, and one with little memory fewer still', () => {
  const desk = capacityOf({ deviceMemory: 8, hardwareConcurrency: 8 }, false);
  const phone = capacityOf({ deviceMemory: 6, hardwareConcurrency: 8, userAgentData: { mobile: true } }, true);
  const small = capacityOf({ deviceMemory: 2, hardwareConcurrency: 4 }, true);
  const twoCores = capacityOf({ deviceMemory: 8, hardwareConcurrency: 2 }, false);
  const silent = capacityOf({}, true); // Safari on a phone says neither
  assert.deepEqual([desk, phone, small, twoCores, silent].map(({ maxSplats }) => maxSplats), [10e6, 1.5e6, 0.5e6, 1.5e6, 1.5e6]);
  assert.deepEqual([desk, phone, twoCores].map(({ maxPixelRatio }) => maxPixelRatio), [2, 1.5, 1.5]);
});
