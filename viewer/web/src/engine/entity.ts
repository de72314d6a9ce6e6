/**
 * A scene as an entity of somebody's own PlayCanvas: columns as its reader of PLY files has them, filled as chunks come.
 *
 * The engine is handed in, since one page must not have two of them; nothing of it is imported here.
 */

import type { AppBase, Entity } from 'playcanvas';

import type { StreamEvent } from '../decoder/types';
import { drawnDegree } from './packing';

/** What is used of the module `playcanvas`. */
export type Engine = Pick<typeof import('playcanvas'), 'Entity' | 'GSplatData' | 'GSplatResource'>;

const FIRST = ['x', 'y', 'z', 'scale_0', 'scale_1', 'scale_2', 'rot_0', 'rot_1', 'rot_2', 'rot_3', 'opacity'];
const PROPERTIES = [...FIRST, 'f_dc_0', 'f_dc_1', 'f_dc_2'];

export class EntityMaker {
  #columns: Float32Array[] = [];
  /** Coefficients a colour above degree 0 that the engine draws. */
  #rest = 0;
  #count = 0;

  take(event: StreamEvent): void {
    if (event.type === 'header') {
      this.#rest = (drawnDegree(event.shDegree) + 1) ** 2 - 1;
      const width = PROPERTIES.length + 3 * this.#rest;
      this.#columns = Array.from({ length: width }, () => new Float32Array(event.count));
      this.#columns[FIRST.length - 1]!.fill(-Infinity); // what is damaged is not seen
    } else if (event.type === 'chunk' && event.layer === 0) {
      this.#count = Math.max(this.#count, event.first + event.count);
      const { positions, logScales, rotations, opacityLogits, color } = event;
      let at = 0;
      for (const values of [positions, logScales, rotations, opacityLogits, color]) {
        const width = values.length / event.count;
        for (let k = 0; k < width; k++, at++) this.#fill(at, event, values, k, width);
      }
    } else if (event.type === 'chunk' && event.layer === 1) {
      const width = event.sh.length / event.count; // coefficients, RGB last; the engine has them last
      for (let k = 0; k < 3 * this.#rest; k++) {
        const [channel, coefficient] = [Math.floor(k / this.#rest), k % this.#rest];
        this.#fill(PROPERTIES.length + k, event, event.sh, 3 * coefficient + channel, width);
      }
    }
  }

  #fill(column: number, chunk: { first: number; count: number }, from: Float32Array, k: number, width: number): void {
    const to = this.#columns[column]!;
    for (let i = 0; i < chunk.count; i++) to[chunk.first + i] = from[i * width + k]!;
  }

  /** What has come, turned from right-down-front into the engine's axes. */
  entity(engine: Engine, app: AppBase): Entity {
    const names = [...PROPERTIES, ...Array.from({ length: 3 * this.#rest }, (_, k) => `f_rest_${k}`)];
    const properties = names.map((name, at) => {
      return { type: 'float', name, storage: this.#columns[at]!.subarray(0, this.#count), byteSize: 4 };
    });
    const data = new engine.GSplatData([{ name: 'vertex', count: this.#count, properties }]);
    const entity = new engine.Entity('splats', app);
    entity.addComponent('gsplat', { resource: new engine.GSplatResource(app.graphicsDevice, data) });
    entity.setLocalEulerAngles(180, 0, 0);
    return entity;
  }
}
