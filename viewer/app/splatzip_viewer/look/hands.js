// Mouse, touch and keys become changes of a pose.

import { flown, orbited, panned, zoomed } from './pose.js';

const TURN = 5.5; // radians for a drag over the picture's height
const STEP = 0.05; // of a key that flies, in distances to the target
const KEY_TURN = 0.08;

const KEYS = {
  ArrowLeft: (p) => orbited(p, KEY_TURN, 0),
  ArrowRight: (p) => orbited(p, -KEY_TURN, 0),
  ArrowUp: (p) => orbited(p, 0, -KEY_TURN),
  ArrowDown: (p) => orbited(p, 0, KEY_TURN),
  w: (p) => flown(p, 0, 0, STEP),
  s: (p) => flown(p, 0, 0, -STEP),
  a: (p) => flown(p, -STEP, 0, 0),
  d: (p) => flown(p, STEP, 0, 0),
  q: (p) => flown(p, 0, -STEP, 0),
  e: (p) => flown(p, 0, STEP, 0),
  '+': (p, first) => zoomed(p, 0.9, first),
  '=': (p, first) => zoomed(p, 0.9, first),
  '-': (p, first) => zoomed(p, 1 / 0.9, first),
};

/**
 * Listen on an element.
 * @param move called with a function from pose and first distance to pose
 * @param hold called with whether somebody is dragging
 */
export function listen(element, move, hold) {
  const fingers = new Map();
  const middle = () => {
    const all = [...fingers.values()];
    const x = all.reduce((sum, one) => sum + one.x, 0) / all.length;
    const y = all.reduce((sum, one) => sum + one.y, 0) / all.length;
    const spread = all.length > 1 ? Math.hypot(all[0].x - all[1].x, all[0].y - all[1].y) : 0;
    return { x, y, spread };
  };

  element.addEventListener('pointerdown', (event) => {
    if (event.button > 2) return;
    element.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    element.focus({ preventScroll: true });
    hold(true);
  });
  element.addEventListener('pointermove', (event) => {
    if (!fingers.has(event.pointerId)) return;
    const before = middle();
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    const after = middle();
    const height = element.clientHeight || 1;
    const [x, y] = [(after.x - before.x) / height, (after.y - before.y) / height];
    const pans = fingers.size > 1 || event.shiftKey || (event.buttons & 6) !== 0;
    const factor = before.spread && after.spread ? before.spread / after.spread : 1;
    move((pose, first) => zoomed(pans ? panned(pose, x, y) : orbited(pose, -x * TURN, -y * TURN), factor, first));
  });
  const lift = (event) => {
    fingers.delete(event.pointerId);
    hold(fingers.size > 0);
  };
  element.addEventListener('pointerup', lift);
  element.addEventListener('pointercancel', lift);
  element.addEventListener('contextmenu', (event) => event.preventDefault());
  element.addEventListener(
    'wheel',
    (event) => {
      event.preventDefault();
      const lines = event.deltaMode === 1 ? 30 : 1;
      move((pose, first) => zoomed(pose, Math.exp(Math.max(-0.5, Math.min(0.5, event.deltaY * lines * 0.0012))), first));
    },
    { passive: false },
  );
  element.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const change = KEYS[event.key] ?? KEYS[event.key.toLowerCase()];
    if (!change) return;
    event.preventDefault();
    move(change);
  });
}
