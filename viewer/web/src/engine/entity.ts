/**
 * A scene as an entity of the page's own PlayCanvas: columns as its PLY reader has them, filled as chunks arrive.
 *
 * The engine is passed in, since a page must not have two of them; nothing of it is imported here.
 */

import type { AppBase, Entity } from 'playcanvas';

import type { ChunkEvent, StreamEvent } from '../decoder/types';
import { Gathered } from './gathered';

/** What is used of the module `playcanvas`. */
export type Engine = Pick<typeof import('playcanvas'), 'Entity' | 'GSplatData' | 'GSplatResource'>;

const FIRST = ['x', 'y', 'z', 'scale_0', 'scale_1', 'scale_2', 'rot_0', 'rot_1', 'rot_2', 'rot_3', 'opacity'];
const PROPERTIES = [...FIRST, 'f_dc_0', 'f_dc_1', 'f_dc_2'];

export class EntityMaker {
  readonly #gathered = new Gathered();

  take(event: StreamEvent): void {
    this.#gathered.take(event);
  }

  /** A column a property, one row a splat. */
  #columns(): Float32Array[] {
    const { rows, rest } = this.#gathered;
    const columns = Array.from({ length: PROPERTIES.length + 3 * rest }, () => new Float32Array(rows));
    columns[FIRST.length - 1]!.fill(-Infinity); // what is damaged is not seen
    for (const chunk of this.#gathered.chunks()) this.#fill(columns, chunk);
    return columns;
  }

  #fill(columns: readonly Float32Array[], event: ChunkEvent): void {
    if (event.layer === 0) {
      const { positions, logScales, rotations, opacityLogits, color } = event;
      let at = 0;
      for (const values of [positions, logScales, rotations, opacityLogits, color]) {
        const width = values.length / event.count;
        for (let k = 0; k < width; k++, at++) copy(columns[at]!, event, values, k, width);
      }
    } else {
      const width = event.sh.length / event.count; // coefficients, RGB last; the engine has them last
      const { rest } = this.#gathered;
      for (let k = 0; k < 3 * rest; k++) {
        const [channel, coefficient] = [Math.floor(k / rest), k % rest];
        copy(columns[PROPERTIES.length + k]!, event, event.sh, 3 * coefficient + channel, width);
      }
    }
  }

  /** What has come, once, turned from right-down-front into the engine's axes. */
  entity(engine: Engine, app: AppBase): Entity {
    const { rows, rest } = this.#gathered;
    const names = [...PROPERTIES, ...Array.from({ length: 3 * rest }, (_, k) => `f_rest_${k}`)];
    const columns = this.#columns();
    const properties = names.map((name, at) => ({ type: 'float', name, storage: columns[at]!, byteSize: 4 }));
    const data = new engine.GSplatData([{ name: 'vertex', count: rows, properties }]);
    const entity = new engine.Entity('splats', app);
    entity.addComponent('gsplat', { resource: new engine.GSplatResource(app.graphicsDevice, data) });
    entity.setLocalEulerAngles(180, 0, 0);
    return entity;
  }
}

/** Column `k` of `from`, which has `width` of them, to the chunk's rows. */
function copy(to: Float32Array, chunk: ChunkEvent, from: Float32Array, k: number, width: number): void {
  for (let i = 0; i < chunk.count; i++) to[chunk.first + i] = from[i * width + k]!;
}
