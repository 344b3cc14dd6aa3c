// Draws brain pictures from raw bytes. The kernel computes pictures; colour map, window, opacity, threshold and zoom
// happen here. One wish is in flight at a time and the newest wins.

const BUSY_MS = 1000; // without an answer for so long the widget says "busy",
const GONE_MS = 10000; // and after so long that the kernel may be gone; a new wish is then sent at once
const QUIET_MS = 500; // a screen reader hears the read-out when the picture has rested for so long
const TEXT = {
  busy: "The kernel is busy: the picture follows when it answers.",
  slow: "No answer from the kernel for 10 s. It is busy with another cell, or gone; if it is gone, run this cell again.",
  gone: "The kernel is gone: this picture cannot change. Run this cell again to go on.",
};

// ---- colour: 256 steps as [r, g, b], from anchors of matplotlib's inferno (perceptually uniform, colour-blind safe)
const INFERNO = ["000004", "0c0826", "240c4f", "420a68", "5d126e", "781c6d", "932667", "ae305c", "c73e4c", "dd513a",
  "ed6925", "f8850f", "fca50a", "fac62d", "f2e661", "fcffa4"];
const rgb = (hex) => [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16));
const between = (anchors) => Array.from({ length: 256 }, (_, i) => {
  const at = (i / 255) * (anchors.length - 1), k = Math.min(Math.floor(at), anchors.length - 2);
  const [a, b] = [rgb(anchors[k]), rgb(anchors[k + 1])];
  return a.map((one, c) => one + (at - k) * (b[c] - one));
});
const MAPS = { grey: between(["000000", "ffffff"]), inferno: between(INFERNO), amber: between(["ffb000", "ffb000"]) };

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
const bytes = (view) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
const valueOf = (byte, [low, high]) => low + (byte / 255) * (high - low);

/** [low, high] of the window: the learner's, or with "auto" black at the lowest value and white at the 99.9th percentile. */
function windowOf(picture, look) {
  if (!look.auto) return [look.low ?? picture.span[0], look.high ?? picture.span[1]];
  const counts = new Uint32Array(256), image = bytes(picture.image);
  for (const byte of image) counts[byte]++;
  let top = 255;
  for (let left = image.length * 0.001; top > 1 && (left -= counts[top]) > 0; top--);
  return [picture.span[0], valueOf(top, picture.span)];
}

/** Fill an offscreen canvas of the picture's own size with its colours. */
function colour(target, picture, panel, look) {
  target.width = picture.width;
  target.height = picture.height;
  const [low, high] = windowOf(picture, look), image = bytes(picture.image);
  const base = Array.from({ length: 256 }, (_, byte) => {
    const t = (valueOf(byte, picture.span) - low) / Math.max(high - low, 1e-9);
    return MAPS[panel.colours][Math.round(255 * clamp(t, 0, 1))];
  });
  const over = picture.overlay && bytes(picture.overlay), shades = MAPS[panel.overlay_colours];
  const alpha = Array.from({ length: 256 }, (_, byte) =>
    byte > 0 && valueOf(byte, picture.overlay_span) >= look.threshold ? look.opacity : 0);
  const context = target.getContext("2d"), data = context.createImageData(picture.width, picture.height);
  for (let i = 0; i < image.length; i++) {
    const under = base[image[i]], a = over ? alpha[over[i]] : 0, top = a ? shades[over[i]] : under;
    for (let c = 0; c < 3; c++) data.data[4 * i + c] = under[c] + a * (top[c] - under[c]);
    data.data[4 * i + 3] = 255;
  }
  context.putImageData(data, 0, 0);
}

// ---- the link to the kernel: one a model, shared by all its views
function openLink(model) {
  const link = { values: { ...model.get("frame").values }, status: "", busy: false, views: new Set() };
  const client = Math.random().toString(36).slice(2);
  let seq = 0, flying = null, wanted = {}, timers = [];
  const tell = (what) => link.views.forEach((view) => view[what]());
  const rest = () => timers.forEach(clearTimeout);
  const say = (text) => { if (link.status !== text) { link.status = text; tell("status"); } };
  const late = (text) => () => { if (link.status !== TEXT.gone) say(text); };

  function send() {
    rest();
    flying = { seq: ++seq, values: wanted, since: performance.now() };
    wanted = {};
    link.busy = true;
    timers = [setTimeout(late(TEXT.busy), BUSY_MS), setTimeout(late(TEXT.slow), GONE_MS)];
    try {
      model.send({ client, seq, values: flying.values });
    } catch { // JupyterLab has closed the line
      say(TEXT.gone);
    }
  }
  function arrive() {
    const frame = model.get("frame");
    if (flying && frame.client === client && frame.seq >= flying.seq) {
      flying = null;
      link.busy = false;
      rest();
    }
    link.values = { ...frame.values, ...flying?.values, ...wanted }; // what is still wished for stays where it is
    say(flying ? link.status : "");
    if (!flying && Object.keys(wanted).length) send();
    tell("draw");
  }
  /** Ask for other values; their controls move at once, the picture when it comes. */
  link.ask = (values) => {
    const news = Object.entries(values).filter(([name, value]) => link.values[name] !== value);
    if (!news.length) return;
    Object.assign(wanted, values);
    Object.assign(link.values, values);
    if (flying && performance.now() - flying.since > GONE_MS) {
      wanted = { ...flying.values, ...wanted }; // that wish may be lost: ask again for what it asked
      flying = null;
    }
    if (!flying) send();
    tell("move");
  };
  link.look = (change, done) => {
    model.set("look", { ...model.get("look"), ...change });
    if (done) model.save_changes(); // so that it survives a reload; while dragging nothing is sent
  };
  const looked = () => tell("draw");
  model.on("change:frame", arrive);
  model.on("change:look", looked);
  link.close = () => {
    rest();
    model.off("change:frame", arrive);
    model.off("change:look", looked);
  };
  return link;
}

// ---- small pieces of page
function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}
const number = (value, spec) => value.toFixed(spec.digits).replace("-", "−") + (spec.unit && ` ${spec.unit}`);
let serial = 0;
const fresh = () => `brainlab-${++serial}`; // two copies of a widget on one page share no id

/** A labelled slider; ``change(value, done)`` is told every move, and ``done`` when it is let go. */
function slider(spec, change) {
  const id = fresh(), { stops } = spec, last = stops?.length - 1;
  const at = (input) => (last > 0 ? stops[input.value] : Number(input.value));
  const nearest = (value) => stops.reduce((best, one, i) =>
    (Math.abs(one - value) < Math.abs(stops[best] - value) ? i : best), 0);
  const shown = make("span", { class: "brainlab-value", "aria-hidden": "true" }); // heard as the slider's aria-valuetext
  const input = make("input", {
    id, type: "range", "data-name": spec.name, step: last > 0 ? 1 : spec.step,
    min: last > 0 ? 0 : spec.low, max: last > 0 ? last : spec.high,
    oninput: () => change(at(input), false), onchange: () => change(at(input), true),
  });
  const set = (value, spoken, disabled) => {
    const position = String(last > 0 ? nearest(value) : value);
    if (input.value !== position) input.value = position;
    input.disabled = Boolean(disabled);
    shown.textContent = number(value, spec);
    input.setAttribute("aria-valuetext", spoken || number(value, spec));
  };
  const node = make("div", { class: "brainlab-slider" }, make("label", { for: id }, spec.label), input, shown);
  return { node, set };
}
function toggle(spec, change) {
  const input = make("input", { type: "checkbox", "data-name": spec.name, onchange: () => change(input.checked, true) });
  const set = (value, _, disabled) => { input.checked = Boolean(value); input.disabled = Boolean(disabled); };
  return { node: make("label", { class: "brainlab-toggle" }, input, spec.label), set };
}
function choice(spec, change) {
  const name = fresh();
  const inputs = spec.options.map(([value]) =>
    make("input", { type: "radio", name, value, "data-name": spec.name, onchange: () => change(value, true) }));
  const labels = spec.options.map(([, label], i) => make("label", {}, inputs[i], label)), id = fresh();
  const node = make("div", { class: "brainlab-choice", role: "radiogroup", "aria-labelledby": id },
    make("span", { id }, spec.label), make("div", {}, ...labels));
  const set = (value, _, disabled) => inputs.forEach((one) => {
    one.checked = one.value === value;
    one.disabled = Boolean(disabled);
  });
  return { node, set };
}
const CONTROLS = { slider, toggle, choice };

/** What the overlay's colours mean, from the lowest value to the highest. */
const colourScale = (map, [low, high]) => make("div", { class: "brainlab-slider" }, make("span", {}, "Overlay colours"),
  make("span", { class: "brainlab-scale", style: `background: linear-gradient(to right, ${map.map((one) => `#${one}`)})` }),
  make("span", { class: "brainlab-value" }, `${low.toFixed(2)}–${high.toFixed(2)}`));

/** Sliders of what the browser does alone. */
function displaySpecs(display, spans) {
  const [low, high] = spans.image, digits = high - low < 10 ? 2 : 0, step = (high - low) / 100;
  const [, top] = spans.overlay;
  const groups = {
    window: [
      { name: "width", label: "Window (contrast)", low: step, high: 2 * (high - low), step, digits },
      { name: "level", label: "Level (brightness)", low, high, step, digits },
      { name: "auto", label: "Auto window: white is the brightest tissue", kind: "toggle" },
    ],
    opacity: [{ name: "opacity", label: "Overlay opacity", low: 0, high: 1, step: 0.05, digits: 2 }],
    threshold: [{ name: "threshold", label: "Overlay threshold", low: 0, high: top, step: top / 100, digits: 2 }],
    zoom: [{ name: "zoom", label: "Zoom", low: 1, high: 6, step: 0.1, digits: 1, unit: "×" }],
  };
  return display.flatMap((group) => groups[group]).map((one) => ({ kind: "slider", unit: "", ...one }));
}

// ---- one panel: a picture with marks, and a crosshair where it has one
function makePanel(panel, model, link) {
  const store = document.createElement("canvas"), cross = panel.rows && panel.columns;
  const canvas = make("canvas", { "data-panel": panel.name });
  const keys = "arrow keys move the crosshair, with Shift ten steps; Page Up and Page Down change the slice, " +
    "Home and End go to the first and last; plus and minus zoom";
  const node = make("div", cross
    ? { class: "brainlab-panel brainlab-cross", tabindex: 0, role: "application", "aria-roledescription": "brain slice",
        "aria-label": `${panel.title}: ${keys}` }
    : { class: "brainlab-panel", role: "img", "aria-label": panel.title }, canvas);
  const picture = () => model.get(`picture_${panel.name}`);
  const index = (axis) => (link.values[axis.name] - axis.first) / axis.step;
  let dragged = null, drawn = [], middle = { at: [0, 0], zoom: 0 };

  /** Where the zoomed picture lies on the canvas: pixel i is drawn from ``left + i * scale``.
   *  It stays until the zoom changes or the crosshair leaves it, and never moves under a dragging hand. */
  function place() {
    const { width, height } = picture(), { zoom } = model.get("look"), scale = (canvas.width / width) * zoom;
    const at = cross ? [index(panel.columns), index(panel.rows)] : [(width - 1) / 2, (height - 1) / 2];
    const shift = (size, space, middle) => clamp(space / 2 - (middle + 0.5) * scale, space - size * scale, 0);
    const around = ([column, row]) =>
      ({ scale, left: shift(width, canvas.width, column), top: shift(height, canvas.height, row) });
    const inside = (left, space, i) => left + (i + 0.5) * scale >= 0 && left + (i + 0.5) * scale <= space;
    let seen = around(middle.at);
    const left = !inside(seen.left, canvas.width, at[0]) || !inside(seen.top, canvas.height, at[1]);
    if (middle.zoom !== zoom || (left && dragged === null)) {
      middle = { at, zoom };
      seen = around(at);
    }
    return seen;
  }
  function text(context, words, x, y, align, baseline) {
    Object.assign(context, { textAlign: align, textBaseline: baseline, lineJoin: "round", strokeStyle: "#000", fillStyle: "#fff" });
    context.lineWidth = 3 * devicePixelRatio;
    context.strokeText(words, x, y);
    context.fillText(words, x, y);
  }
  /** Lines, each style in turn: dark under bright is seen on black and on white. */
  function line(context, lines, styles) {
    for (const [style, width] of styles) {
      Object.assign(context, { strokeStyle: style, lineWidth: width * devicePixelRatio });
      context.beginPath();
      for (const [x0, y0, x1, y1] of lines) { context.moveTo(x0, y0); context.lineTo(x1, y1); }
      context.stroke();
    }
  }
  function crosshair(context, at) {
    const w = canvas.width, h = canvas.height, gap = 7 * devicePixelRatio;
    const x = at.left + (index(panel.columns) + 0.5) * at.scale, y = at.top + (index(panel.rows) + 0.5) * at.scale;
    const lines = [[0, y, x - gap, y], [x + gap, y, w, y], [x, 0, x, y - gap], [x, y + gap, x, h]];
    line(context, lines, [["#000", 3], ["#6cd4ff", 1.25]]);
  }
  function marks(context, at) {
    const w = canvas.width, h = canvas.height, px = devicePixelRatio, edge = 5 * px;
    context.font = `600 ${13 * px}px system-ui, sans-serif`;
    const [top, bottom, left, right] = panel.edges ?? [];
    if (panel.edges) {
      text(context, top, w / 2, edge, "center", "top");
      text(context, bottom, w / 2, h - edge, "center", "bottom");
      text(context, left, edge, h / 2, "left", "middle");
      text(context, right, w - edge, h / 2, "right", "middle");
    }
    if (panel.pixel_mm) {
      const mm = [50, 20, 10, 5, 2].find((one) => (one / panel.pixel_mm) * at.scale < w / 3) ?? 1;
      const long = (mm / panel.pixel_mm) * at.scale, y = h - 2 * edge;
      line(context, [[2 * edge, y, 2 * edge + long, y]], [["#000", 4], ["#fff", 2]]);
      context.font = `${11 * px}px system-ui, sans-serif`;
      text(context, `${mm} mm`, 2 * edge, y - 4 * px, "left", "bottom");
    }
  }
  /** Put the coloured picture and its marks on the page, sharp on any screen. */
  function show() {
    if (!picture()?.image) return;
    const side = Math.round(canvas.clientWidth * devicePixelRatio);
    if (!side) return; // not on the page yet: the observer calls again
    const high = Math.round((side * picture().height) / picture().width);
    if (canvas.width !== side || canvas.height !== high) Object.assign(canvas, { width: side, height: high });
    const context = canvas.getContext("2d"), at = place();
    context.imageSmoothingEnabled = panel.smooth;
    context.imageSmoothingQuality = "high";
    context.drawImage(store, at.left, at.top, picture().width * at.scale, picture().height * at.scale);
    if (cross) crosshair(context, at);
    marks(context, at);
  }
  function draw() {
    const now = [picture(), model.get("look")];
    if (!now[0]?.image) return;
    if (now.some((one, i) => one !== drawn[i])) colour(store, now[0], panel, now[1]);
    drawn = now;
    show();
  }
  if (cross) {
    const range = (axis, size) => [axis.first, axis.first + (size - 1) * axis.step].sort((a, b) => a - b);
    const limit = (axis, size, value) => clamp(value, ...range(axis, size));
    const point = (event) => {
      const box = canvas.getBoundingClientRect(), at = place(), ratio = canvas.width / box.width;
      const pick = (axis, size, pixel) => limit(axis, size, axis.first + Math.round(pixel - 0.5) * axis.step);
      link.ask({
        [panel.columns.name]: pick(panel.columns, picture().width, ((event.clientX - box.left) * ratio - at.left) / at.scale),
        [panel.rows.name]: pick(panel.rows, picture().height, ((event.clientY - box.top) * ratio - at.top) / at.scale),
      });
    };
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      canvas.setPointerCapture(event.pointerId);
      dragged = event.pointerId;
      node.focus({ preventScroll: true });
      point(event);
    });
    canvas.addEventListener("pointermove", (event) => { if (event.pointerId === dragged) point(event); });
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => { dragged = null; });
    node.addEventListener("keydown", (event) => {
      const many = event.shiftKey ? 10 : 1, { rows, columns } = panel, { zoom } = model.get("look");
      const step = (axis, by, size) => ({ [axis.name]: limit(axis, size, link.values[axis.name] + by * many * axis.step) });
      const slice = (by) => {
        const spec = model.get("spec").controls.find((one) => one.name === panel.through);
        if (spec) link.ask({ [spec.name]: clamp(link.values[spec.name] + by * many, spec.low, spec.high) });
      };
      const actions = {
        ArrowLeft: () => link.ask(step(columns, -1, picture().width)),
        ArrowRight: () => link.ask(step(columns, 1, picture().width)),
        ArrowUp: () => link.ask(step(rows, -1, picture().height)),
        ArrowDown: () => link.ask(step(rows, 1, picture().height)),
        PageUp: () => slice(Math.abs(rows.step)),
        PageDown: () => slice(-Math.abs(rows.step)),
        Home: () => slice(-Infinity),
        End: () => slice(Infinity),
        "+": () => link.look({ zoom: clamp(zoom * 1.25, 1, 6) }, true),
        "-": () => link.look({ zoom: clamp(zoom / 1.25, 1, 6) }, true),
      };
      const act = actions[event.key === "=" ? "+" : event.key];
      if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      act();
    });
  }
  return { node: make("figure", {}, node, make("figcaption", {}, panel.title)), canvas, draw, show };
}

function fillTable(table, content) {
  if (!content) return;
  const bar = (length) => make("span", { class: "brainlab-bar", style: `width: ${100 * clamp(length, 0, 1)}%` });
  table.replaceChildren(make("caption", {}, content.caption), make("tbody", {}, ...content.rows.map(([name, words, length]) =>
    make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, words),
      make("td", { "aria-hidden": "true" }, ...(length == null ? [] : [bar(length)]))))));
}

// ---- one view: the panels, the controls, the words
function openView(model, el, link) {
  const spec = model.get("spec"), frame = () => model.get("frame"), pictureOf = (panel) => model.get(`picture_${panel.name}`);
  const panels = spec.panels.map((panel) => makePanel(panel, model, link));
  const controls = spec.controls.map((one) => [one.name, CONTROLS[one.kind](one, (value) => link.ask({ [one.name]: value }))]);
  const first = spec.panels.map(pictureOf).filter((one) => one?.image);
  const spans = { image: first[0]?.span ?? [0, 1], overlay: first.find((one) => one.overlay)?.overlay_span ?? [0, 1] };
  const shift = (name, value) => {
    const { low = spans.image[0], high = spans.image[1] } = model.get("look");
    const width = name === "width" ? value : high - low, level = name === "level" ? value : (low + high) / 2;
    return { low: level - width / 2, high: level + width / 2 };
  };
  const looks = displaySpecs(spec.display, spans).map((one) => [one.name, CONTROLS[one.kind]({ ...one, name: `look-${one.name}` }, (value, done) =>
    link.look(["width", "level"].includes(one.name) ? shift(one.name, value) : { [one.name]: value }, done))]);
  const id = fresh(), table = make("table"), heard = make("p", { class: "brainlab-heard", "aria-live": "polite" });
  const readout = make("p", { class: "brainlab-readout", id }), status = make("p", { class: "brainlab-status", role: "status" });
  const error = make("p", { class: "brainlab-error", role: "alert", hidden: true });
  const nodes = (list) => list.map(([, control]) => control.node);
  const root = make("section", {
    class: "brainlab", style: `--panels: ${panels.length}`, "aria-label": spec.title, "aria-describedby": id },
    make("h3", {}, spec.title),
    make("div", { class: panels.length === 1 ? "brainlab-body brainlab-beside" : "brainlab-body" },
      make("div", { class: "brainlab-panels" }, ...panels.map((one) => one.node)),
      make("div", { class: "brainlab-controls" },
        ...(controls.length ? [make("fieldset", {}, make("legend", {}, "Settings"), ...nodes(controls))] : []),
        ...(frame().table ? [table] : []),
        ...(looks.length ? [make("fieldset", {}, make("legend", {}, "Display"), ...nodes(looks),
          ...(spec.display.includes("threshold") ? [colourScale(INFERNO, spans.overlay)] : []))] : [])),
      make("div", { class: "brainlab-words" }, readout, heard, error, status)),
    make("p", { class: "brainlab-caption" }, spec.caption));

  let rested = 0;
  const view = {
    status() {
      status.textContent = link.status;
    },
    /** Controls and crosshair follow at once, also while the picture is still on its way. */
    move() {
      root.setAttribute("aria-busy", String(link.busy));
      const { disabled = [], spoken = {} } = frame();
      for (const [name, control] of controls) control.set(link.values[name], spoken[name], disabled.includes(name));
      panels.forEach((one) => one.show());
    },
    draw() {
      const look = model.get("look"), { readout: words, table: content, error: problem, seq, count } = frame();
      const [low, high] = first.length ? windowOf(pictureOf(spec.panels[0]), look) : [0, 1];
      const shown = { ...look, width: high - low, level: (high + low) / 2 };
      for (const [name, control] of looks) control.set(shown[name], "", look.auto && ["width", "level"].includes(name));
      panels.forEach((one) => one.draw());
      view.move();
      fillTable(table, content);
      error.textContent = problem;
      error.hidden = !problem;
      if (readout.textContent !== words) readout.textContent = words;
      clearTimeout(rested);
      rested = setTimeout(() => { if (heard.textContent !== words) heard.textContent = words; }, QUIET_MS);
      root.setAttribute("data-frame", count);
    },
  };

  // JupyterLab's own shortcuts (arrows, dd, …) must not act while the learner uses the widget; Ctrl+S and Shift+Enter must.
  const guard = (event) => {
    if (root.contains(event.target)) {
      const ours = !event.ctrlKey && !event.metaKey && event.key !== "Enter";
      event.target.toggleAttribute("data-lm-suppress-shortcuts", ours); // on the target itself: Lumino starts there
    }
  };
  window.addEventListener("keydown", guard, true);
  const sizes = new ResizeObserver(() => panels.forEach((one) => one.show()));
  panels.forEach((one) => sizes.observe(one.canvas));
  // While the widget lives, its static picture is hidden; when it goes, the picture comes back.
  const still = make("style", {}, `.brainlab-${spec.id} { display: none }
    .jp-OutputArea-child:has(.brainlab-${spec.id}) { display: none }`);
  document.head.append(still);
  el.classList.add("brainlab-frame"); // the width that the layout answers to
  el.append(root);
  link.views.add(view);
  view.draw();
  view.status();
  return () => {
    link.views.delete(view);
    clearTimeout(rested);
    sizes.disconnect();
    window.removeEventListener("keydown", guard, true);
    still.remove();
    root.remove();
  };
}

export default () => {
  let link;
  return {
    initialize({ model }) {
      link = openLink(model);
      return () => link.close();
    },
    render: ({ model, el }) => openView(model, el, link),
  };
};
