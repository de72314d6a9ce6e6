// Charts as SVG: rate and quality, bytes by attribute, one histogram an attribute.

/** Round numbers between low and high, about `wanted` of them. */
function ticks(low, high, wanted) {
  const raw = (high - low) / wanted;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((m) => m * power).find((candidate) => candidate >= raw * 0.999);
  const found = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; i += 1) found.push(i * step);
  return found;
}

/** 1, 2 and 5 times powers of ten between low and high; more of them where the range is small. */
function logTicks(low, high) {
  const digits = high / low > 12 ? [1, 2, 5] : high / low > 4 ? [1, 2, 3, 5, 7] : [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8];
  const found = [];
  for (let power = 10 ** Math.floor(Math.log10(low)); power <= high; power *= 10) {
    found.push(...digits.map((digit) => digit * power).filter((tick) => tick >= low && tick <= high));
  }
  return found;
}

/** points: [{x: bytes, y: dB, name, index}]; line: {y, name} to draw across, or null; width: what there is, in pixels. */
function rateChart({ title, points, line, chosen, onchoose, width }) {
  const [height, left, right, top, bottom] = [330, 58, 16, 34, 48];
  const xs = points.map((point) => point.x);
  const ys = [...points.map((point) => point.y), ...(line ? [line.y] : [])];
  const spread = Math.max(Math.max(...ys) - Math.min(...ys), 0.1);
  const [x0, x1] = [Math.min(...xs) / 1.25, Math.max(...xs) * 1.25];
  const [y0, y1] = [Math.min(...ys) - 0.14 * spread, Math.max(...ys) + 0.14 * spread];
  const x = (bytes) => left + ((width - left - right) * Math.log(bytes / x0)) / Math.log(x1 / x0);
  const y = (value) => height - bottom - ((height - top - bottom) * (value - y0)) / (y1 - y0);
  const chart = draw("svg.rate", { viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": title });
  chart.append(draw("text.title", { x: 0, y: 14 }, title));
  for (const tick of ticks(y0, y1, 5)) {
    chart.append(draw("line.gridline", { x1: left, x2: width - right, y1: y(tick), y2: y(tick) }));
    chart.append(draw("text", { x: left - 8, y: y(tick) + 4, "text-anchor": "end" }, short(tick)));
  }
  let free = 0; // where the next label may begin
  for (const tick of logTicks(x0, x1)) {
    chart.append(draw("line.axis", { x1: x(tick), x2: x(tick), y1: height - bottom, y2: height - bottom + 5 }));
    if (x(tick) - 26 < free) continue;
    free = x(tick) + 30;
    chart.append(draw("text", { x: x(tick), y: height - bottom + 20, "text-anchor": "middle" }, size(tick).join(" ")));
  }
  chart.append(draw("line.axis", { x1: left, x2: width - right, y1: height - bottom, y2: height - bottom }));
  const middle = (left + width - right) / 2;
  chart.append(draw("text", { x: middle, y: height - 6, "text-anchor": "middle" }, "file size (logarithmic)"));
  const rise = (top + height - bottom) / 2;
  chart.append(draw("text", { x: 12, y: rise, "text-anchor": "middle", transform: `rotate(-90 12 ${rise})` }, "PSNR, dB"));
  if (line) {
    chart.append(draw("line.reference", { x1: left, x2: width - right, y1: y(line.y), y2: y(line.y) }));
    chart.append(draw("text", { x: left + 6, y: y(line.y) - 6 }, line.name));
  }
  const sorted = [...points].sort((a, b) => a.x - b.x);
  for (const format of new Set(sorted.map((point) => extension(point.name)))) { // no curve runs from one format to another
    const joined = sorted.filter((point) => extension(point.name) === format);
    chart.append(draw("polyline.curve", { points: joined.map((p) => `${x(p.x)},${y(p.y)}`).join(" ") }));
  }
  const labels = placed(sorted.map((point) => ({ point, x: x(point.x), y: y(point.y) })), width - right, line && y(line.y));
  for (const label of labels) {
    const state = label.point.index === chosen ? ".chosen" : "";
    const said = `${label.point.name}: ${size(label.point.x).join(" ")}, ${decibels(label.point.y)} dB`;
    const choose = () => onchoose(label.point.index);
    const pressed = (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); choose(); } };
    chart.append(draw(`text.name${state}`, { x: label.at, y: label.line, "text-anchor": label.anchor }, label.text));
    chart.append(
      draw(`circle.point${state}`, { cx: label.x, cy: label.y, r: 5, tabindex: 0, role: "button", "aria-label": said,
        onclick: choose, onkeydown: pressed }, draw("title", {}, said)));
  }
  return chart;
}

const extension = (name) => name.slice(name.lastIndexOf(".") + 1).toLowerCase();

/** Where the names of points go: right of the point and below, left of it and above near the right edge, never two on one line or
 *  one on the line across (`across`, or null). */
function placed(dots, right, across) {
  const taken = across === null ? [] : [{ line: across + 4, from: 0, to: right }];
  for (const dot of dots) {
    dot.text = dot.point.name.length > 26 ? `${dot.point.name.slice(0, 25)}\u2026` : dot.point.name;
    const wide = 6.6 * dot.text.length + 12;
    dot.anchor = dot.x + wide > right ? "end" : "start";
    dot.at = dot.anchor === "end" ? dot.x - 10 : dot.x + 10;
    const [from, to] = dot.anchor === "end" ? [dot.x - wide, dot.x - 8] : [dot.x + 8, dot.x + wide];
    const step = dot.anchor === "end" ? -13 : 13;
    dot.line = dot.y + (dot.anchor === "end" ? -4 : 13);
    while (taken.some((box) => Math.abs(box.line - dot.line) < 13 && box.from < to && box.to > from)) dot.line += step;
    taken.push({ line: dot.line, from, to });
  }
  return dots;
}

/** One bar of a file: its bytes by attribute. `longest`: bytes that fill the whole width; `keyed`: say each part's share. */
function byteBar(test, longest, keyed) {
  const known = Object.entries(test.attributes ?? {});
  const rest = test.bytes - known.reduce((sum, [, bytes]) => sum + bytes, 0);
  const parts = [...known, [known.length ? "container" : "whole file", rest]].filter(([, bytes]) => bytes > 0);
  const colour = (name) => (name === "whole file" ? "var(--source)" : `var(--${name}, var(--container))`);
  const bits = (bytes) => `${((8 * bytes) / test.splats).toFixed(1)} bits a splat`;
  const bar = make("div.bar", { role: "img", "aria-label": parts.map(([name, bytes]) => `${name} ${count(bytes)} bytes`).join(", ") });
  bar.style.width = `${(100 * test.bytes) / longest}%`;
  for (const [name, bytes] of parts) {
    const piece = make("i", { title: `${name}: ${count(bytes)} bytes, ${bits(bytes)}` });
    piece.style.cssText = `flex: ${bytes} 0 0; background: ${colour(name)}`;
    bar.append(piece);
  }
  const head = make("div.bar-head", {}, make("span", {}, test.name),
    make("span.soft", {}, `${count(test.bytes)} bytes, ${bits(test.bytes)}`));
  if (!keyed) return make("div", {}, head, bar);
  const keys = make("ul.keys", {}, parts.map(([name, bytes]) => {
    const swatch = make("span.swatch");
    swatch.style.background = colour(name);
    return make("li", {}, swatch, make("span", {}, name), make("span.soft", {}, `${size(bytes).join(" ")} \u00b7 ${((100 * bytes) / test.bytes).toFixed(1)} %`));
  }));
  return make("div", {}, head, bar, keys);
}

/** A histogram of the source (area) and of the chosen file (line), `width` pixels wide. */
function histogram(entry, chosen, width) {
  const [height, floor] = [96, 76];
  const [before, after] = [entry.ref, entry.tests[chosen]];
  // Coarse steps pile splats up on few values: their spikes are cut, or they would flatten the source.
  const top = Math.max(1, Math.min(Math.max(...before, ...after), 2 * Math.max(...before)));
  const heightOf = (n) => (Math.min(n, top) / top) * (floor - 4);
  const step = width / before.length;
  const outline = (counts) => counts.map((n, i) => `${i * step},${floor - heightOf(n)} ${(i + 1) * step},${floor - heightOf(n)}`).join(" ");
  const value = (share) => entry.low + share * (entry.high - entry.low);
  const said = (share) => (entry.log ? short(10 ** value(share)) : short(value(share)));
  return make("figure", {},
    make("figcaption", {}, entry.title, " ", make("span", {}, entry.unit)),
    draw("svg.histogram", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `${entry.title}: number of splats by value` },
      draw("polygon.before", { points: `0,${floor} ${outline(before)} ${width},${floor}` }),
      draw("polyline.after", { points: outline(after) }),
      draw("line.axis", { x1: 0, x2: width, y1: floor, y2: floor }),
      draw("text", { x: 0, y: height - 5 }, said(0)),
      draw("text", { x: width / 2, y: height - 5, "text-anchor": "middle" }, said(0.5)),
      draw("text", { x: width, y: height - 5, "text-anchor": "end" }, said(1))));
}
