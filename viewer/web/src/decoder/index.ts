/**
 * The decoder by itself, for pages with an engine of their own and for node.
 *
 *     const stream = openStream(listener, parts)          // in a worker
 *     const stream = new FileReader(new Core(module), listener)   // in this thread
 */

export { Core } from './module';
export { openStream, type DecoderParts } from './open';
export { FileReader } from './reader';
export { ITSELF, StandIns, standIn, type Compensation } from './standing_in';
export type * from './types';
