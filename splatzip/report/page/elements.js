// Making elements, and saying numbers. Text is always set as text: a file may be called anything.

const SVG = "http://www.w3.org/2000/svg";

/** make("p.note#id", {title: "x"}, child, "text", ...): an element with classes, attributes and children. */
function make(selector, attributes = {}, ...children) {
  const [, tag, rest] = /^([a-z0-9]+)(.*)$/i.exec(selector);
  return fill(document.createElement(tag), rest, attributes, children);
}

/** The same for SVG. */
function draw(selector, attributes = {}, ...children) {
  const [, tag, rest] = /^([a-z0-9]+)(.*)$/i.exec(selector);
  return fill(document.createElementNS(SVG, tag), rest, attributes, children);
}

function fill(element, classes, attributes, children) {
  if (classes) element.setAttribute("class", classes.split(".").filter(Boolean).join(" "));
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

const find = (selector) => document.querySelector(selector);

/** Radio buttons into a fieldset: [[value, text], ...]; `chosen` is the value to begin with. */
function choices(fieldset, options, chosen, onchange) {
  for (const [value, text] of options) {
    const input = make("input", { type: "radio", name: fieldset.id, value, checked: value === chosen });
    input.addEventListener("change", () => onchange(value));
    fieldset.append(make("label", {}, input, make("span", {}, text)));
  }
  fieldset.hidden = options.length < 2;
}

/** Check the radio button of a value that was chosen elsewhere. */
function check(fieldset, value) {
  for (const input of fieldset.querySelectorAll("input")) input.checked = input.value === String(value);
}

const count = (n) => n.toLocaleString("en");
const decibels = (value) => value.toFixed(2);
/** With a sign, except of what rounds to zero. */
const signed = (value) => (Math.abs(value) < 0.005 ? "" : value < 0 ? "\u2212" : "+") + Math.abs(value).toFixed(2);

/** [number, unit] of a size in KB and MB of 1000 and 1000000 bytes, three digits. */
function size(bytes) {
  const [factor, unit] = bytes >= 1e9 ? [1e9, "GB"] : bytes >= 1e6 ? [1e6, "MB"] : bytes >= 1e3 ? [1e3, "KB"] : [1, "bytes"];
  return [Number((bytes / factor).toPrecision(3)).toString(), unit];
}

/** A short number for an axis. */
function short(value) {
  if (value === 0) return "0";
  const text = Math.abs(value) >= 1e4 || Math.abs(value) < 1e-4 ? value.toExponential(0) : String(Number(value.toPrecision(3)));
  return text.replace("-", "\u2212").replace("e+", "e");
}

/** Equal pictures have 100 dB by definition. */
const isEqual = (psnr) => psnr >= 99.995;

/** Long names without the words that all of them begin with. */
function shortNames(names) {
  if (names.length < 2 || Math.max(...names.map((name) => name.length)) <= 12) return names;
  let same = 0;
  while (names.every((name) => same < name.length && name[same] === names[0][same])) same += 1;
  const words = /^.*[-_/ ]/.exec(names[0].slice(0, same));
  return words ? names.map((name) => name.slice(words[0].length)) : names;
}
