import assert from 'node:assert/strict';
import { test } from 'node:test';

import * as engine from 'playcanvas';

import type { HeaderEvent, ShEvent } from '../src/decoder/types';
import { EntityMaker } from '../src/engine/entity';
import { numbered, numberedSplats } from './numbered';

/** An application without anything to draw on. */
function appOf(): engine.AppBase {
  const options = new engine.AppOptions();
  options.graphicsDevice = new engine.NullGraphicsDevice({ width: 1, height: 1 } as unknown as HTMLCanvasElement);
  options.componentSystems = [engine.GSplatComponentSystem];
  const app = new engine.AppBase({ width: 1, height: 1 } as unknown as HTMLCanvasElement);
  app.init(options);
  return app;
}

test('chunks become one entity of an engine that was handed in, each value under its name', () => {
  const maker = new EntityMaker();
  maker.take({ type: 'header', shDegree: 1, count: 9 } as HeaderEvent);
  maker.take(numberedSplats(3, 2)); // as they come
  maker.take(numberedSplats(0, 3));
  maker.take({ type: 'chunk', layer: 1, tile: 0, tier: 0, first: 0, count: 3, sh: numbered(3, 9, 0) } as ShEvent);
  const entity = maker.entity(engine, appOf());
  const data = (entity.gsplat!.resource as engine.GSplatResource).gsplatData as engine.GSplatData;
  assert.equal(data.numSplats, 5, 'rows that never came are left out');
  assert.equal(data.shBands, 1);
  assert.deepEqual([...data.getProp('y')!], [1, 4, 7, 301, 304]);
  assert.deepEqual([...data.getProp('rot_0')!], [1, 5, 9, 1, 5]); // w
  assert.deepEqual([...data.getProp('opacity')!], [0, 1, 2, 3, 4]);
  assert.deepEqual([...data.getProp('f_dc_2')!], [1, 4, 7, 1, 4]);
  // Engine: red of all coefficients, then green; file: red, green, blue of the first one.
  assert.deepEqual([...data.getProp('f_rest_1')!], [3, 12, 21, 0, 0]);
  assert.deepEqual([...data.getProp('f_rest_3')!], [1, 10, 19, 0, 0]);
  assert.ok(entity.up.y < -0.999, 'the scene has y down, the engine up');
});

test('splats that were damaged cannot be seen', () => {
  const maker = new EntityMaker();
  maker.take({ type: 'header', shDegree: 0, count: 4 } as HeaderEvent);
  maker.take(numberedSplats(3, 1));
  const entity = maker.entity(engine, appOf());
  const data = (entity.gsplat!.resource as engine.GSplatResource).gsplatData as engine.GSplatData;
  assert.deepEqual([...data.getProp('opacity')!], [-Infinity, -Infinity, -Infinity, 3]);
});

test('what a file says it holds costs nothing until it comes', () => {
  const maker = new EntityMaker();
  maker.take({ type: 'header', shDegree: 3, count: 1e12 } as HeaderEvent);
  maker.take(numberedSplats(0, 2));
  assert.equal((maker.entity(engine, appOf()).gsplat!.resource as engine.GSplatResource).gsplatData.numSplats, 2);
});
