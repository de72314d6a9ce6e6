// The elements around the picture: what to show, how to compare, names, words about problems.

const MODES = {
  color: ['Colour', 'What a visitor sees'],
  depth: ['Depth', 'Near is light'],
  alpha: ['Alpha', 'How opaque each pixel is'],
  ellipsoids: ['Ellipsoids', 'Each splat as a solid shape'],
  centres: ['Centres', 'A dot for each splat'],
};
const COMPARES = {
  split: ['Split', 'Both, side by side, with a handle between them'],
  flip: ['Flip', 'One at a time: hold the button or F to see the original'],
  error: ['Error', 'How far each pixel is from the original'],
};

const make = (tag, className, text = '') => {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
};

/** Build everything into `slot`; returns what the view needs of it. */
export function build(slot) {
  const hearing = {};
  const tell = (what, value) => hearing[what]?.(value);
  slot.replaceChildren();
  const root = slot.appendChild(make('div', 'look'));
  const bar = root.appendChild(make('div', 'look-bar'));
  const modes = bar.appendChild(choices('mode', 'Show', MODES, tell));
  const compares = bar.appendChild(choices('compare', 'Compare', COMPARES, tell));
  const stage = root.appendChild(make('div', 'look-stage'));
  stage.tabIndex = 0;
  stage.setAttribute('role', 'application');
  stage.setAttribute('aria-label', 'Scene: drag to turn, Shift and drag to pan, wheel to zoom, or use arrows and W A S D');
  const canvas = stage.appendChild(document.createElement('canvas'));
  const handle = stage.appendChild(splitHandle(stage, tell));
  const left = stage.appendChild(make('span', 'look-name look-left'));
  const right = stage.appendChild(make('span', 'look-name look-right'));
  const measured = stage.appendChild(make('span', 'look-measured'));
  const words = stage.appendChild(make('p', 'look-words'));
  words.setAttribute('role', 'status');
  const legend = stage.appendChild(errorLegend(tell));
  const flip = stage.appendChild(make('button', 'look-flip', 'Hold to see the original (F)'));
  holdTo(flip, stage, tell);
  const foot = root.appendChild(make('div', 'look-foot'));
  const isTouch = matchMedia('(pointer: coarse)').matches;
  const hint = isTouch ? 'One finger: turn · two: pan, zoom' : 'Drag: turn · Shift or right drag: pan · wheel: zoom · WASDQE: fly';
  foot.appendChild(make('span', 'look-hint', hint));
  const up = foot.appendChild(upChoice(tell));
  const reset = foot.appendChild(make('button', 'look-button', 'Reset view'));
  reset.addEventListener('click', () => tell('reset'));
  stage.addEventListener('keydown', (event) => event.key.toLowerCase() === 'r' && !event.ctrlKey && !event.metaKey && tell('reset'));

  return {
    stage,
    canvas,
    on: (what, hear) => (hearing[what] = hear),
    /** The axis that was chosen to be up; '': none. */
    stands: (axis) => (up.lastChild.value = axis),
    say(text) {
      words.textContent = text;
      words.hidden = !text;
    },
    /** Names, and what can be chosen. */
    describe(state, look) {
      const isPair = Boolean(state.ref && state.test);
      compares.hidden = !isPair;
      choose(modes, look.mode);
      choose(compares, look.compare);
      for (const mode of modes.children) mode.disabled = isPair && look.compare === 'error'; // which is of the colour
      flip.hidden = !(isPair && look.compare === 'flip');
      legend.hidden = !(isPair && look.compare === 'error');
      handle.hidden = !(isPair && look.compare === 'split');
      if (!state.ref && !state.test) this.say('Open a scene to look at it.');
    },
    /** What belongs to the picture that is shown. */
    show(look, facts) {
      const { state, compare, flipped, split } = look;
      const isPair = Boolean(state.ref && state.test) && look.shown.layers.length === 2;
      const only = state.ref ?? state.test;
      left.textContent = isPair ? (compare === 'split' || flipped ? state.ref : '') : compare === 'error' && state.test ? '' : only;
      right.textContent = isPair && (compare === 'split' || !flipped) ? state.test : '';
      handle.style.left = `${split * 100}%`;
      if (facts.psnr !== undefined) measured.textContent = `this view: ${facts.psnr.toFixed(2)} dB`;
      else if (!state.test || look.drawn !== look.version) measured.textContent = '';
    },
  };
}

function choices(what, label, all, tell) {
  const group = make('div', 'look-choices');
  group.setAttribute('role', 'radiogroup');
  group.setAttribute('aria-label', label);
  for (const [value, [text, title]] of Object.entries(all)) {
    const button = group.appendChild(make('button', 'look-button', text));
    Object.assign(button, { title, value });
    button.setAttribute('role', 'radio');
    button.addEventListener('click', () => tell(what, value));
  }
  return group;
}

function choose(group, value) {
  for (const button of group.children) button.setAttribute('aria-checked', String(button.value === value));
}

function splitHandle(stage, tell) {
  const handle = make('div', 'look-handle');
  handle.tabIndex = 0;
  handle.setAttribute('role', 'slider');
  handle.setAttribute('aria-label', 'Where the original ends');
  let at;
  const set = (to) => {
    at = Math.max(0, Math.min(1, to));
    handle.setAttribute('aria-valuenow', String(Math.round(at * 100)));
    tell('split', at);
  };
  set(0.5);
  handle.addEventListener('pointerdown', (event) => {
    event.stopPropagation();
    handle.setPointerCapture(event.pointerId);
  });
  handle.addEventListener('pointermove', (event) => {
    if (!handle.hasPointerCapture(event.pointerId)) return;
    const box = stage.getBoundingClientRect();
    set((event.clientX - box.left) / box.width);
  });
  handle.addEventListener('keydown', (event) => {
    const step = { ArrowLeft: -0.02, ArrowRight: 0.02 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    set(at + step);
  });
  return handle;
}

function errorLegend(tell) {
  const legend = make('label', 'look-legend');
  legend.append('0 ', make('span', 'look-gradient'), ' ');
  const select = legend.appendChild(document.createElement('select'));
  for (const levels of [4, 8, 16, 32, 64]) select.add(new Option(`${levels} of 255`, levels, levels === 16, levels === 16));
  select.setAttribute('aria-label', 'Error of the lightest colour');
  select.addEventListener('change', () => tell('levels', select.value));
  for (const kind of ['pointerdown', 'keydown']) legend.addEventListener(kind, (event) => event.stopPropagation());
  return legend;
}

function holdTo(button, stage, tell) {
  button.addEventListener('pointerdown', (event) => {
    event.stopPropagation();
    button.setPointerCapture(event.pointerId);
    tell('flip', true);
  });
  for (const end of ['pointerup', 'pointercancel']) button.addEventListener(end, () => tell('flip', false));
  const keys = new Map([[stage, ['f']], [button, ['f', ' ', 'enter']]]);
  for (const [element, held] of keys) {
    const isFlip = (event) => held.includes(event.key.toLowerCase()) && !event.ctrlKey && !event.metaKey;
    element.addEventListener('keydown', (event) => isFlip(event) && tell('flip', true));
    element.addEventListener('keyup', (event) => isFlip(event) && tell('flip', false));
    element.addEventListener('blur', () => tell('flip', false)); // no key is heard to be let go elsewhere
  }
}

function upChoice(tell) {
  const label = make('label', 'look-up', 'Up ');
  const select = label.appendChild(document.createElement('select'));
  select.add(new Option('as opened', ''));
  for (const axis of ['-y', 'y', '-z', 'z', '-x', 'x']) select.add(new Option(axis.replace('-', '−'), axis));
  select.addEventListener('change', () => tell(select.value ? 'up' : 'reset', select.value));
  return label;
}
