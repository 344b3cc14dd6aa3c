// Points in a plane, coloured by a value; the crosshair walks through the plane in steps of its axes.

function makeScatter(panel, model, link) {
  const svg = shape("svg", { class: "brainlab-plot", "data-panel": panel.name, "aria-hidden": "true" });
  const cross = shape("g", { class: "brainlab-hairs" }), words = make("p", { class: "brainlab-legend" });
  const node = make("div", { class: "brainlab-map", tabindex: 0, role: "application", "aria-roledescription": "map" }, svg);
  const scale = make("div", { class: "brainlab-key" }), content = () => model.get(`picture_${panel.name}`), { columns, rows, steps } = panel;
  const ends = (axis) => [axis.first, axis.first + steps * axis.step].sort((a, b) => a - b);
  let drawn = [], at = null;

  const sample = (hollow, label) => make("span", {}, shape("svg", { width: 14, height: 14, "aria-hidden": "true" },
    ...dot(7, 7, hollow, "currentColor")), label);
  function dot(x, y, hollow, colour) { // a rim of the text's colour is seen on white and on black
    return hollow
      ? [shape("circle", { class: "brainlab-rim", cx: x, cy: y, r: 4.5 }), shape("circle", { cx: x, cy: y, r: 4.5, fill: "none", stroke: colour, "stroke-width": 2 })]
      : [shape("circle", { class: "brainlab-dot", cx: x, cy: y, r: 4.5, fill: colour })];
  }
  function build() {
    const { span, hollow } = content(), x = floats(content().x), y = floats(content().y), values = floats(content().values);
    at = axes(svg, { xSpan: ends(columns), ySpan: ends(rows), xLabel: panel.x_label, yLabel: panel.y_label });
    const rings = bytes(hollow), [[left, right], [low, high]] = [ends(columns), ends(rows)];
    const shade = (value) => MAPS.inferno[Math.round(255 * clamp((value - span[0]) / (span[1] - span[0]), 0, 1))];
    const dots = Array.from(x, (_, i) => i).filter((i) => x[i] >= left && x[i] <= right && y[i] >= low && y[i] <= high);
    svg.append(shape("g", {}, ...dots.flatMap((i) => dot(at.x(x[i]), at.y(y[i]), rings[i],
      Number.isFinite(values[i]) ? `rgb(${shade(values[i]).map(Math.round)})` : "none"))), cross);
    scale.replaceChildren(...colourKey(panel.value_label, span));
    words.replaceChildren(...[[false, panel.filled_label], [true, panel.hollow_label]].filter(([, label]) => label).map((one) => sample(...one)));
    node.setAttribute("aria-label", `${panel.title}: ${content().words} Arrow keys move the crosshair, with Shift ten steps`);
  }
  function show() {
    const now = [content(), svg.clientWidth, svg.clientHeight];
    if (!now[0]?.values || !now[1] || !now[2]) return;
    if (now.some((one, i) => one !== drawn[i])) build();
    drawn = now;
    const x = at.x(link.values[columns.name]), y = at.y(link.values[rows.name]), { left, right, top, bottom } = at.box;
    const d = `M${left} ${y}H${x - 7}M${x + 7} ${y}H${right}M${x} ${top}V${y - 7}M${x} ${y + 7}V${bottom}`;
    cross.replaceChildren(shape("path", { d }), shape("path", { d }));
  }
  const size = () => [steps + 1, steps + 1];
  const pick = (event) => {
    if (!at) return null;
    const box = svg.getBoundingClientRect(), { left, right, top, bottom } = at.box, ratio = svg.clientWidth / box.width;
    const column = (((event.clientX - box.left) * ratio - left) / (right - left)) * steps;
    const row = (((event.clientY - box.top) * ratio - top) / (bottom - top)) * steps;
    return [columns.step > 0 ? column : steps - column, rows.step < 0 ? row : steps - row]; // values grow right and up
  };
  crosshairOf({ node, surface: svg, panel, model, link, size, pick, zooms: false });
  return { node: make("figure", {}, words, node, scale, make("figcaption", {}, panel.title)), surface: svg, draw: show, show };
}
