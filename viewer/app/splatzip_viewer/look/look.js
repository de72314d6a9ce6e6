// The view: asks the server for pictures of one pose, quick ones while it moves, and shows one or two scenes.
//
//   hands -> pose -> request (one at a time, the newest pose wins) -> JPEG of stacked layers -> canvas

import { keepAnswersComing } from './answers.js';
import { listen } from './hands.js';
import { cornersOf, length, projected, standing, sub } from './pose.js';
import { build } from './panel.js';

const QUICK_PIXELS = 480 * 360; // while something moves; fewer where pictures take longer than they may
const FEWEST_PIXELS = 160 * 120;
const MOST_PIXELS = 1600 * 1200;
const AIM_MS = 90; // for a picture while dragging
const REST_MS = 140; // without a change, before the full picture is asked for

/** The axes that can be up. */
const UPS = { '-y': [0, -1, 0], y: [0, 1, 0], '-z': [0, 0, -1], z: [0, 0, 1], '-x': [-1, 0, 0], x: [1, 0, 0] };

const NO_ANSWER = 'The server does not answer. Is splatzip view still running?';

export function mount(slot, read, watch) {
  keepAnswersComing(window);
  const panel = build(slot);
  const look = new Look(panel);
  look.open(read());
  watch(() => look.open(read()));
  slot.splatzipLook = look; // for tests, and for who wants to move the camera from the console
  return look;
}

class Look {
  constructor(panel) {
    Object.assign(this, { panel, state: null, pose: null, home: null, first: 1, shown: null, split: 0.5 });
    Object.assign(this, { mode: 'color', compare: 'split', flipped: false, levels: 16, quickPixels: QUICK_PIXELS });
    Object.assign(this, { moving: false, version: 0, drawn: -1, isFull: false, timer: 0, isBusy: false, pictures: 0 });
    listen(panel.stage, (change) => this.move(change), (holds) => this.hold(holds));
    panel.on('mode', (mode) => this.set({ mode }));
    panel.on('compare', (compare) => this.set({ compare }));
    panel.on('levels', (levels) => this.set({ levels: Number(levels) }));
    panel.on('split', (split) => this.repaint({ split }));
    panel.on('flip', (flipped) => this.repaint({ flipped }));
    panel.on('reset', () => this.home && this.go(this.home));
    panel.on('up', (axis) => UPS[axis] && this.pose && this.go(standing(this.pose, UPS[axis]), axis));
    new ResizeObserver(() => this.ask()).observe(panel.stage);
  }

  /** What the page says: which scenes are open, and where to look from. */
  open(state) {
    const before = this.state;
    this.state = state && state.token ? state : null;
    if (!this.state) return;
    if (before?.opened !== this.state.opened) this.shown = null;
    if (before?.homes !== this.state.homes) {
      this.home = this.state.pose;
      this.pose = null;
      if (this.home) this.place(this.home);
    } else if (this.state.go && before.goes !== this.state.goes) {
      this.place(this.state.go);
    }
    this.panel.describe(this.state, this);
    this.touch();
  }

  place(pose, up = '') {
    this.pose = { ...pose };
    this.panel.stands(up);
    this.first = length(sub(pose.target, pose.position)) || 1;
  }

  go(pose, up) {
    this.place(pose, up);
    this.touch();
  }

  move(change) {
    if (!this.pose) return;
    this.pose = change(this.pose, this.first);
    this.touch(true);
  }

  hold(holds) {
    this.moving = holds;
    if (!holds) this.ask();
  }

  set(changes) {
    Object.assign(this, changes);
    if (this.state) this.panel.describe(this.state, this);
    this.touch();
  }

  repaint(changes) {
    Object.assign(this, changes);
    this.paint();
  }

  /** Something changed: a picture is due. */
  touch(moved = false) {
    this.version += 1;
    this.isFull = false;
    this.changed = performance.now() - (moved ? 0 : REST_MS);
    this.ask();
  }

  layers() {
    const { ref, test } = this.state;
    if (!test) return [['ref', this.mode]];
    if (!ref) return [['test', this.mode]];
    if (this.compare === 'error') return [['both', 'error']];
    return [
      ['ref', this.mode],
      ['test', this.mode],
    ];
  }

  /** Ask for what is due, unless an answer is on its way already. */
  ask() {
    clearTimeout(this.timer);
    if (this.isBusy || !this.state || !this.pose || !(this.state.ref || this.state.test)) return;
    const { clientWidth, clientHeight } = this.panel.stage;
    if (!clientWidth || !clientHeight) return;
    const rested = performance.now() - this.changed;
    const isQuick = this.moving || rested < REST_MS;
    const dense = Math.min(window.devicePixelRatio || 1, 2);
    const wanted = Math.min(MOST_PIXELS, clientWidth * clientHeight * dense * dense);
    const isDue = this.drawn !== this.version || (!isQuick && (!this.isFull || this.wanted !== wanted));
    if (!isDue) {
      if (!this.isFull) this.timer = setTimeout(() => this.ask(), Math.max(20, REST_MS - rested));
      return;
    }
    this.fetch(isQuick, isQuick ? Math.min(this.quickPixels, wanted) : wanted, wanted);
  }

  async fetch(isQuick, pixels, wanted) {
    const { version, state } = this;
    const { clientWidth, clientHeight } = this.panel.stage;
    const scale = Math.sqrt(pixels / (clientWidth * clientHeight));
    const layers = this.layers();
    const body = {
      pose: this.pose,
      width: Math.max(1, Math.round(clientWidth * scale)),
      height: Math.max(1, Math.round(clientHeight * scale)),
      layers,
      quality: isQuick ? 70 : 95,
      error_levels: this.levels,
      measure: !isQuick && this.mode === 'color',
    };
    this.isBusy = true;
    const start = performance.now();
    try {
      const answer = await fetch(new URL(`splatzip/${state.token}/picture`, document.baseURI), {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      if (!answer.ok) throw new Error((await wordsOf(answer)) ?? `${NO_ANSWER} (${answer.status})`);
      const facts = JSON.parse(answer.headers.get('x-splatzip') || '{}');
      const bitmap = await createImageBitmap(await answer.blob());
      if (this.state && state.opened === this.state.opened) {
        this.shown?.bitmap.close();
        this.shown = { bitmap, layers, facts, isQuick, pose: body.pose };
        this.drawn = version;
        this.pictures += 1;
        if (!isQuick) Object.assign(this, { isFull: version === this.version, wanted });
        this.panel.say('');
        this.paint();
      }
      if (isQuick) this.pace(performance.now() - start);
    } catch (error) {
      this.drawn = version;
      this.isFull = true;
      this.wanted = wanted;
      this.panel.say(error instanceof TypeError ? NO_ANSWER : error.message);
    } finally {
      this.isBusy = false;
    }
    this.ask();
  }

  /** Fewer pixels while pictures are slow, more while they are quick. */
  pace(took) {
    const factor = Math.min(1.25, Math.max(0.6, AIM_MS / took));
    this.quickPixels = Math.min(4 * QUICK_PIXELS, Math.max(FEWEST_PIXELS, this.quickPixels * factor));
  }

  paint() {
    const { shown, panel } = this;
    if (!shown) return;
    const { bitmap, layers, facts } = shown;
    const [width, height] = [bitmap.width, bitmap.height / layers.length];
    const { canvas } = panel;
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const context = canvas.getContext('2d');
    const layer = (number, from, to) => {
      if (to > from) context.drawImage(bitmap, from, number * height, to - from, height, from, 0, to - from, height);
    };
    if (layers.length === 1) layer(0, 0, width);
    else if (this.compare === 'flip') layer(this.flipped ? 0 : 1, 0, width);
    else {
      const at = Math.round(this.split * width);
      layer(0, 0, at);
      layer(1, at, width);
    }
    if (this.state.box) outline(context, cornersOf(this.state.box), shown.pose, width, height);
    panel.show(this, facts);
  }
}

/** What our server says is plain text; a proxy before it answers with pages of its own, which are for nobody to read. */
async function wordsOf(answer) {
  return answer.headers.get('content-type')?.startsWith('text/plain') ? answer.text() : null;
}

/** The edges of a box, as far as both ends are before the camera. */
function outline(context, corners, pose, width, height) {
  const at = projected(pose, corners, width / height);
  context.lineWidth = Math.max(1, height / 360);
  context.strokeStyle = '#ffd400';
  context.beginPath();
  for (let from = 0; from < 8; from += 1) {
    for (const bit of [1, 2, 4]) {
      const to = from | bit;
      if (to === from || !at[from] || !at[to]) continue;
      context.moveTo(at[from][0] * width, at[from][1] * height);
      context.lineTo(at[to][0] * width, at[to][1] * height);
    }
  }
  context.stroke();
}
