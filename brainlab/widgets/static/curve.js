// Lines over an axis, or histograms, with a marker that follows a value of the kernel's or the browser's threshold.

function makeCurve(panel, model, link) {
  const svg = shape("svg", { class: "brainlab-plot", role: "img", "data-panel": panel.name });
  const legend = make("p", { class: "brainlab-legend" }), marks = shape("g", { class: "brainlab-mark" });
  const content = () => model.get(`picture_${panel.name}`);
  let drawn = [], lines = [], at = null;

  /** "M x y L x y …", with a gap where a number is missing; for bars the outline of their tops. */
  function path({ x, y }) {
    if (x.length !== y.length) {
      const known = Array.from(y, (value) => (Number.isFinite(value) ? value : 0)), floor = at.y(clamp(0, ...at.ySpan));
      return known.reduce((d, value, i) => `${d}V${at.y(value)}H${at.x(x[i + 1])}`, `M${at.x(x[0])} ${floor}`) + `V${floor}`;
    }
    let d = "", pen = false;
    y.forEach((value, i) => {
      const known = Number.isFinite(value) && Number.isFinite(x[i]);
      if (known) d += `${pen ? "L" : "M"}${at.x(x[i]).toFixed(1)} ${at.y(value).toFixed(1)}`;
      if (known && !pen && !(Number.isFinite(y[i + 1]))) d += "h0.01"; // a lone point is a dot
      pen = known;
    });
    return d;
  }
  const style = (i) => ({ class: `brainlab-line brainlab-colour-${i % DASHES.length}`, "stroke-dasharray": DASHES[i % DASHES.length] });
  function build() {
    const { x_span: xSpan, y_span: ySpan } = content();
    const clip = fresh();
    at = { ...axes(svg, { xSpan, ySpan, xLabel: panel.x_label, yLabel: panel.y_label }), ySpan };
    lines = content().lines.map((one) => ({ ...one, x: floats(one.x), y: floats(one.y), at: one.at && floats(one.at) }));
    const { left, top, right, bottom } = at.box;
    svg.append(shape("clipPath", { id: clip }, shape("rect", { x: left, y: top - 2, width: right - left + 2, height: bottom - top + 4 })),
      shape("g", { "clip-path": `url(#${clip})` }, ...lines.map((one, i) =>
        shape("path", { ...style(i), "data-line": one.name, d: path(one), "data-bars": one.x.length !== one.y.length }))),
      marks);
    legend.replaceChildren(...lines.map((one, i) => make("span", {},
      shape("svg", { width: 30, height: 10, "aria-hidden": "true" }, shape("path", { ...style(i), d: "M0 5H30" })), one.name)));
  }
  /** The dot on each line that carries ``at``, else an upright line at the value itself; said in words as well. */
  function mark() {
    const value = panel.marker && follow(panel.marker, model, link), dotted = lines.filter((one) => one.at?.length);
    if (!panel.marker || value == null) {
      svg.setAttribute("aria-label", `${panel.title}. ${content().words}`);
      return;
    }
    const told = dotted.map((one) => {
      const i = one.at.reduce((best, here, k) => (Math.abs(here - value) < Math.abs(one.at[best] - value) ? k : best), 0);
      return [one, one.x[i], one.y[i]];
    }).filter(([, x, y]) => Number.isFinite(x) && Number.isFinite(y));
    const { left, right, top, bottom } = at.box, x = clamp(at.x(value), left, right);
    marks.replaceChildren(...(dotted.length
      ? told.map(([, px, py]) => shape("circle", { cx: at.x(px), cy: at.y(py), r: 5.5 }))
      : [shape("path", { d: `M${x} ${top}V${bottom}` }), shape("path", { class: "brainlab-flag", d: `M${x - 5} ${top - 4}h10l-5 7z` })]));
    const words = told.map(([one, px, py]) => `${one.name}: ${panel.x_label} ${px.toFixed(3)}, ${panel.y_label} ${py.toFixed(3)}`);
    svg.setAttribute("aria-label", `${panel.title}. ${content().words} Marker at ${value.toPrecision(3)}. ${words.join("; ")}`);
  }
  function show() {
    const now = [content(), svg.clientWidth, svg.clientHeight];
    if (!now[0]?.lines || !now[1] || !now[2]) return;
    if (now.some((one, i) => one !== drawn[i])) build();
    drawn = now;
    mark();
  }
  const node = make("figure", {}, legend, svg, make("figcaption", {}, panel.title));
  return { node, surface: svg, draw: show, show };
}
