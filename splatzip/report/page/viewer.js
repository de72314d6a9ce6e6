// The stage: two pictures of one view, under a slider, side by side, taking turns, or as their difference.

const MODES = [["slider", "Slider"], ["side", "Side by side"], ["flip", "Flip"], ["error", "Error map"]];

function picture(uri, alt) {
  return make("img", { src: uri, alt, draggable: "false" });
}

/** pair: {left: {name, uri}, right: {name, uri}, error: {name, uri}, width, height}. Returns the frames of a mode. */
function frames(mode, pair, look) {
  const ratio = pair.width / pair.height;
  const frame = (...children) => {
    const made = make("div.frame", {}, ...children);
    made.style.cssText = `--aspect: ${pair.width} / ${pair.height}; --aspect-number: ${ratio}`;
    return made;
  };
  const tag = (text, side) => make(`span.tag.${side}`, {}, text);
  const { left, right, error } = pair;
  if (mode === "side") {
    return [left, right].map((one) => frame(picture(one.uri, one.name), tag(one.name, "whole")));
  }
  if (mode === "error") return [frame(picture(error.uri, error.name), tag(error.name, "whole"))];
  if (mode === "flip") return [flipping(frame, tag, left, right, look)];
  const range = make("input", { type: "range", min: 0, max: 100, step: 0.5, "aria-label": `Divider between ${left.name} and ${right.name}` });
  const made = frame(picture(left.uri, left.name), make("div.above", {}, picture(right.uri, right.name)), range,
    make("div.divider"), tag(left.name, "left"), tag(right.name, "right"));
  const move = () => {
    look.cut = Number(range.value);
    made.style.setProperty("--cut", `${look.cut}%`);
  };
  range.value = look.cut;
  range.addEventListener("input", move);
  move();
  return [made];
}

function flipping(frame, tag, left, right, look) {
  const pictures = [picture(left.uri, left.name), picture(right.uri, right.name)];
  const label = tag("", "whole");
  const button = make("button", { type: "button", onclick: () => { look.flipped = !look.flipped; show(); } });
  const show = () => {
    pictures[1].style.visibility = look.flipped ? "visible" : "hidden";
    label.textContent = look.flipped ? right.name : left.name;
    button.setAttribute("aria-label", `Showing ${label.textContent}; press to flip`);
  };
  show();
  return frame(...pictures, label, button);
}

/** Under zoom the point below the pointer stays where it is; Shift and the arrow keys move it, too. */
function followPointer(stage) {
  const at = { x: 50, y: 50 };
  const place = (x, y) => {
    at.x = Math.min(100, Math.max(0, x));
    at.y = Math.min(100, Math.max(0, y));
    stage.style.setProperty("--x", `${at.x}%`);
    stage.style.setProperty("--y", `${at.y}%`);
  };
  stage.addEventListener("pointermove", (event) => {
    const frame = event.target.closest(".frame");
    const dragsDivider = event.buttons && event.pointerType === "mouse" && event.target.matches("input");
    if (!frame || dragsDivider) return;
    const box = frame.getBoundingClientRect();
    place((100 * (event.clientX - box.left)) / box.width, (100 * (event.clientY - box.top)) / box.height);
  });
  document.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: [-4, 0], ArrowRight: [4, 0], ArrowUp: [0, -4], ArrowDown: [0, 4] }[event.key];
    if (!event.shiftKey || !move) return;
    event.preventDefault();
    place(at.x + move[0], at.y + move[1]);
  });
}

/** The colours of the error map, with the errors they stand for: finer where they are small (heat.py). */
function errorLegend(error) {
  const ramp = make("div.ramp");
  ramp.style.background = `linear-gradient(to right, ${error.colours.join(", ")})`;
  const top = error.full_levels;
  return [ramp, make("div.ticks", {}, ...[0, top / 16, top / 4, (9 * top) / 16].map((level) => make("span", {}, short(level))), make("span", {}, `\u2265 ${short(top)}`)),
    make("div", {}, "error of a pixel in levels of 255 (root mean square of red, green, blue)")];
}
