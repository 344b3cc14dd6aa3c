// Controls: each is a node and a function that sets it from the kernel's value.

const FEW = 6, SHORT = 60; // options that are shown side by side, and their letters in all

/** A labelled slider; ``change(value, done)`` is told every move, and ``done`` when it is let go. */
function slider(spec, { change }) {
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
function toggle(spec, { change }) {
  const input = make("input", { type: "checkbox", "data-name": spec.name, onchange: () => change(input.checked, true) });
  const set = (value, _, disabled) => { input.checked = Boolean(value); input.disabled = Boolean(disabled); };
  return { node: make("label", { class: "brainlab-toggle" }, input, spec.label), set };
}
/** Many or long options as a list that opens, such as subjects; a few as radio buttons, all seen at once. */
const choice = (spec, acts) => {
  const letters = spec.options.reduce((sum, [, label]) => sum + label.length, 0);
  return (spec.options.length > FEW || letters > SHORT ? list : radios)(spec, acts);
};
function list(spec, { change }) {
  const id = fresh(), options = spec.options.map(([value, label]) => make("option", { value }, label));
  const select = make("select", { id, "data-name": spec.name, onchange: () => change(select.value, true) }, ...options);
  const set = (value, _, disabled) => { select.value = value; select.disabled = Boolean(disabled); };
  return { node: make("div", { class: "brainlab-choice" }, make("label", { for: id }, spec.label), make("div", {}, select)), set };
}
function radios(spec, { change }) {
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
function button(spec, { press }) {
  const off = () => node.getAttribute("aria-disabled") === "true";
  const node = make("button", { type: "button", "data-name": spec.name, onclick: () => { if (!off()) press(); } }, spec.label);
  // Not ``disabled``: a button that disables itself, as "Play" does, would drop the keyboard's focus.
  const set = (_, spoken, disabled) => {
    node.setAttribute("aria-disabled", String(Boolean(disabled)));
    if (spoken) node.setAttribute("aria-description", spoken);
    else node.removeAttribute("aria-description");
  };
  return { node, set };
}
/** Numbers in rows and columns; what is half typed ("−", "1e") is not sent, nor written over. */
function matrix(spec, { change }) {
  const id = fresh(), range = (n) => Array.from({ length: n }, (_, i) => i);
  const cells = range(spec.rows).map((row) => range(spec.columns).map((column) => make("input", {
    type: "number", step: "any", "data-name": spec.name, "data-cell": `${row},${column}`, value: 0,
    "aria-label": `${spec.label}, row ${row + 1}, column ${column + 1}`,
    oninput: tellAll, onkeydown: (event) => step(event, row, column),
  })));
  const all = () => cells.map((row) => row.map((one) => one.valueAsNumber));
  function tellAll() {
    const values = all(), wrong = values.map((row) => row.map(Number.isNaN));
    cells.forEach((row, i) => row.forEach((one, j) => one.setAttribute("aria-invalid", wrong[i][j])));
    if (!wrong.flat().includes(true)) change(values, true);
  }
  /** Up and down change the number by the spec's step; with Alt the arrows go from cell to cell. */
  function step(event, row, column) {
    const way = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!way || event.ctrlKey || event.metaKey) return;
    const [down, right] = way, cell = cells[row][column];
    if (event.altKey) cells[row + down]?.[column + right]?.focus();
    else if (down && !cell.disabled) {
      cell.value = Number(((cell.valueAsNumber || 0) - down * spec.step).toPrecision(10));
      tellAll();
    } else return;
    event.preventDefault();
  }
  const set = (value, _, disabled) => cells.forEach((row, i) => row.forEach((one, j) => {
    const half = one === document.activeElement && Number.isNaN(one.valueAsNumber);
    if (!half && one.valueAsNumber !== value?.[i]?.[j]) {
      one.value = Number((value?.[i]?.[j] ?? 0).toPrecision(6));
      one.removeAttribute("aria-invalid");
    }
    one.disabled = Boolean(disabled);
  }));
  const node = make("div", { class: "brainlab-matrix", role: "group", "aria-labelledby": id }, make("span", { id }, spec.label),
    make("div", { style: `grid-template-columns: repeat(${spec.columns}, minmax(0, 4.6em))` }, ...cells.flat()));
  return { node, set };
}
const CONTROLS = { slider, toggle, choice, button, matrix };

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
