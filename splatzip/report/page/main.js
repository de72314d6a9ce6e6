// The page: what is chosen, and what of it is drawn where.

const data = JSON.parse(find("#data").textContent);
const look = { test: 0, shown: 0, mode: "slider", against: "ref", cut: 50, flipped: false, allViews: false };
const brief = shortNames(data.tests[0].views.map((view) => view.name));
const narrow = matchMedia("(max-width: 640px)");
const test = () => data.tests[look.test];

function title() {
  const names = data.tests.length === 1 ? data.tests[0].name : `${data.tests.length} files`;
  find("#title").append(names, make("span.than", {}, ` compared with ${data.ref.name}`));
  document.title = `${names} compared with ${data.ref.name}`;
  const stored = data.ref.bytes === null ? "" : `, ${size(data.ref.bytes).join(" ")}`;
  find("#lede").textContent = `The source has ${count(data.ref.splats)} splats of SH degree ${data.ref.sh_degree}${stored}. ` +
    `Measured on ${data.seen_from}, ${data.background}.`;
}

function numbers() {
  const one = test();
  const tile = (label, value, unit, detail) =>
    make("div", {}, make("p.label", {}, label), make("p.value", {}, value, make("span.unit", {}, unit)), make("p.detail", {}, detail));
  const tiles = [];
  if (one.bytes !== null) {
    const [value, unit] = size(one.bytes);
    const each = one.splats === data.ref.splats ? "per splat" : "per splat of the source";
    tiles.push(tile("Size", value, unit, `${count(one.bytes)} bytes, ${((8 * one.bytes) / data.ref.splats).toFixed(1)} bits ${each}`));
    tiles.push(tile("Ratio", one.ratio.toFixed(one.ratio < 100 ? 1 : 0), "\u00d7", `smaller than the ${size(data.ref.float_bytes).join(" ")} of raw floats`));
  }
  const thinned = one.splats === data.ref.splats ? "" : `; ${count(one.splats)} splats`;
  tiles.push(isEqual(one.psnr) ? tile("Against the source", "equal", "", `all pictures are identical${thinned}`)
    : tile("Against the source", decibels(one.psnr), "dB", `PSNR, mean over views; worst ${decibels(Math.min(...one.views.map((v) => v.psnr)))}${thinned}`));
  tiles.push(tile("SSIM", one.ssim.toFixed(4), "", "of 1, against the source"));
  if (one.photo) {
    const lost = one.photo.ref_psnr - one.photo.test_psnr;
    tiles.push(tile("Lost against photos", signed(lost).replace("+", ""), "dB", `${decibels(one.photo.test_psnr)} dB where the source has ${decibels(one.photo.ref_psnr)}`));
  }
  find("#numbers").replaceChildren(...tiles);
}

/** Positions in data.shown, the worst view of the chosen file first. */
function order() {
  return data.shown.map((_, i) => i).sort((a, b) => test().views[data.shown[a].view].psnr - test().views[data.shown[b].view].psnr);
}

function strip() {
  const fieldset = find("#strip");
  const legend = fieldset.querySelector("legend");
  fieldset.replaceChildren(legend, ...order().map((position) => {
    const view = test().views[data.shown[position].view];
    const input = make("input", { type: "radio", name: "view", value: position, "aria-label": `${view.name}, ${decibels(view.psnr)} dB`,
      onchange: () => choose({ shown: position }) });
    input.checked = position === look.shown;
    const thumb = picture(data.shown[position].tests[look.test], "");
    return make("label", { title: view.name }, input, make("span.thumb", {}, thumb), make("small", {}, brief[data.shown[position].view]), make("small", {}, `${decibels(view.psnr)} dB`));
  }));
}

function stage() {
  const shown = data.shown[look.shown];
  const view = test().views[shown.view];
  if (!shown.photo) look.against = "ref";
  const left = look.against === "photo" ? { name: "Photo", uri: shown.photo } : { name: data.ref.name, uri: shown.ref };
  const right = { name: test().name, uri: shown.tests[look.test] };
  const error = { name: `${test().name} \u2212 ${data.ref.name}`, uri: shown.errors[look.test] };
  const stage = find("#stage");
  stage.className = `${look.mode === "side" ? "two" : ""} ${look.zoom > 1 ? "zoomed" : ""}`;
  stage.replaceChildren(...frames(look.mode, { left, right, error, width: shown.width, height: shown.height }, look));
  find("#against").disabled = look.mode === "error";
  find("#legend").hidden = look.mode !== "error";
  const caption = [make("strong", {}, view.name), ` \u00b7 ${isEqual(view.psnr) ? "equal pictures" : `${decibels(view.psnr)} dB`} \u00b7 SSIM ${view.ssim.toFixed(4)}`];
  if (view.photo) caption.push(` \u00b7 photo ${decibels(view.photo.test_psnr)} dB, the source ${decibels(view.photo.ref_psnr)} dB`);
  find("#caption").replaceChildren(...caption);
}

function table() {
  const photos = test().photo !== null;
  const rows = [...test().views].map((view, index) => ({ view, index })).sort((a, b) => a.view.psnr - b.view.psnr);
  const most = look.allViews ? rows.length : 15;
  const [low, high] = [rows[0].view.psnr, rows[rows.length - 1].view.psnr];
  const cells = (one) => [make("td", {}, one.ssim.toFixed(4)), ...(photos ? photoCells(one.photo) : [])];
  const body = rows.slice(0, most).map(({ view, index }) => {
    const position = data.shown.findIndex((shown) => shown.view === index);
    const bar = make("i");
    bar.style.width = `${high > low ? 12 + (88 * (view.psnr - low)) / (high - low) : 100}%`;
    const name = position < 0 ? view.name : make("button", { type: "button", onclick: () => { choose({ shown: position }); find("#look").scrollIntoView({ block: "start" }); } }, view.name);
    return make(position === look.shown && position >= 0 ? "tr.current" : "tr", {}, make("td", {}, name), make("td", {}, make("span.meter", { "aria-hidden": "true" }, bar), decibels(view.psnr)), ...cells(view));
  });
  const heads = ["View", "PSNR, dB", "SSIM", ...(photos ? ["lost, dB", "photo, dB", "source, dB"] : [])];
  const total = make("tr.total", {}, make("td", {}, `Mean of ${rows.length}`), make("td", {}, decibels(test().psnr)), ...cells(test()));
  find("#views table").replaceChildren(make("thead", {}, make("tr", {}, heads.map((head) => make("th", { scope: "col" }, head)))), make("tbody", {}, ...body, total));
  const more = find("#views .more");
  more.hidden = rows.length <= most;
  more.textContent = `Show all ${rows.length} views`;
}

function photoCells(photo) {
  if (!photo) return [make("td"), make("td"), make("td")];
  const lost = photo.ref_psnr - photo.test_psnr;
  const said = make(lost > 0.3 ? "td.lost" : "td", {}, signed(lost));
  return [said, make("td", {}, decibels(photo.test_psnr)), make("td", {}, decibels(photo.ref_psnr))];
}

function charts() {
  const stored = data.tests.map((one, index) => ({ ...one, index })).filter((one) => one.bytes !== null);
  find("#curve").hidden = stored.length < 2;
  if (stored.length > 1) {
    const points = (of) => stored.map((one) => ({ x: one.bytes, y: of(one), name: one.name, index: one.index }));
    const onchoose = (index) => choose({ test: index });
    const width = Math.min(520, find("main").clientWidth);
    const made = [rateChart({ title: "Against the source", points: points((one) => one.psnr), line: null, chosen: look.test, onchoose, width })];
    if (stored.every((one) => one.photo)) {
      const line = { y: stored[0].photo.ref_psnr, name: "the source itself" };
      made.push(rateChart({ title: "Against photos", points: points((one) => one.photo.test_psnr), line, chosen: look.test, onchoose, width }));
    }
    find("#curve .charts").replaceChildren(...made);
  }
  find("#bytes").hidden = !stored.some((one) => one.attributes);
  const longest = Math.max(...stored.map((one) => one.bytes));
  find("#bytes .bars").replaceChildren(...stored.map((one) => byteBar(one, longest, stored.length < 3 || one.index === look.test)));
}

function attributes() {
  find("#attributes .grid").replaceChildren(...data.histograms.map((entry) => histogram(entry, look.test, narrow.matches ? 165 : 240)));
  const swatch = (colour, kind) => {
    const made = make(`span.swatch${kind}`);
    made.style.background = `var(--${colour})`;
    return made;
  };
  find("#key").replaceChildren("Number of splats by value: ", swatch("source", ""), ` ${data.ref.name}, `, swatch("accent", ".line"), ` ${test().name}. The outermost 0.1 % at each end are left out.`);
}

/** Change what is chosen and draw what depends on it. */
function choose(change) {
  const focused = document.activeElement?.name === "view";
  Object.assign(look, change);
  if ("test" in change) {
    check(find("#files"), look.test);
    numbers();
    attributes();
    charts();
  }
  if ("mode" in change) check(find("#modes"), look.mode);
  if ("zoom" in change) {
    check(find("#zoom"), look.zoom);
    find("#stage").style.setProperty("--zoom", look.zoom);
  }
  if ("test" in change || "shown" in change) {
    strip();
    table();
    const current = find("#strip input:checked");
    if (focused) current.focus();
    const [fieldset, label] = [find("#strip"), current.parentElement];
    fieldset.scrollLeft = label.offsetLeft - fieldset.offsetLeft - (fieldset.clientWidth - label.offsetWidth) / 2;
  }
  stage();
}

function keys(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const at = order();
  const step = (by) => choose({ shown: at[(at.indexOf(look.shown) + by + at.length) % at.length] });
  const actions = { j: () => step(1), k: () => step(-1), f: () => choose({ mode: "flip", flipped: look.mode === "flip" ? !look.flipped : true }) };
  MODES.forEach(([mode], i) => { actions[i + 1] = () => choose({ mode }); });
  actions[event.key]?.();
}

title();
choices(find("#files"), data.tests.map((one, i) => [i, one.name]), 0, (index) => choose({ test: index }));
choices(find("#modes"), MODES, look.mode, (mode) => choose({ mode }));
choices(find("#against"), data.shown.some((shown) => shown.photo) ? [["ref", "Source"], ["photo", "Photo"]] : [], "ref", (against) => choose({ against }));
choices(find("#zoom"), [[1, "1\u00d7"], [2, "2\u00d7"], [4, "4\u00d7"], [8, "8\u00d7"]], 1, (zoom) => choose({ zoom }));
find("#legend").append(...errorLegend(data.error));
find("#shown").textContent = data.shown_note;
find("#colophon").textContent = data.colophon;
find("#views .more").addEventListener("click", () => choose({ allViews: true, shown: look.shown }));
document.addEventListener("keydown", keys);
narrow.addEventListener("change", () => choose({ test: look.test }));
followPointer(find("#stage"));
choose({ test: 0, shown: order()[0], zoom: 1 });
