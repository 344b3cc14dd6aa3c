// A picture with its marks (edge letters, scale bar), and a crosshair or a brush where it has one.

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
/** Give a canvas as many pixels as the screen has under it; false while it is not on the page. */
function fit(canvas, picture) {
  const side = Math.round(canvas.clientWidth * devicePixelRatio);
  if (!side) return false; // the observer calls again
  const high = Math.round((side * picture.height) / picture.width);
  if (canvas.width !== side || canvas.height !== high) Object.assign(canvas, { width: side, height: high });
  return true;
}
/** The letters of the body's sides at the edges, and a scale bar; ``scale`` px of the canvas to a pixel of the picture. */
function marks(context, panel, scale) {
  const w = context.canvas.width, h = context.canvas.height, px = devicePixelRatio, edge = 5 * px;
  context.font = `600 ${13 * px}px system-ui, sans-serif`;
  if (panel.edges) {
    const [top, bottom, left, right] = panel.edges;
    text(context, top, w / 2, edge, "center", "top");
    text(context, bottom, w / 2, h - edge, "center", "bottom");
    text(context, left, edge, h / 2, "left", "middle");
    text(context, right, w - edge, h / 2, "right", "middle");
  }
  if (panel.pixel_mm) {
    const mm = [50, 20, 10, 5, 2].find((one) => (one / panel.pixel_mm) * scale < w / 3) ?? 1;
    const long = (mm / panel.pixel_mm) * scale, y = h - 2 * edge;
    line(context, [[2 * edge, y, 2 * edge + long, y]], [["#000", 4], ["#fff", 2]]);
    context.font = `${11 * px}px system-ui, sans-serif`;
    text(context, `${mm} mm`, 2 * edge, y - 4 * px, "left", "bottom");
  }
}
function smoothly(context, panel) {
  context.imageSmoothingEnabled = panel.smooth;
  context.imageSmoothingQuality = "high";
}

function makePicture(panel, model, link) {
  const store = document.createElement("canvas"), cross = panel.rows && panel.columns;
  const canvas = make("canvas", { "data-panel": panel.name });
  const keys = cross ? "arrow keys move the crosshair, with Shift ten steps; Page Up and Page Down change the slice, " +
    "Home and End go to the first and last; plus and minus zoom"
    : "arrow keys move the brush, with Shift ten pixels; Space paints, held down while moving it draws a line";
  const node = make("div", cross || panel.brush
    ? { class: "brainlab-panel brainlab-cross", tabindex: 0, role: "application",
        "aria-roledescription": cross ? "brain slice" : "painting", "aria-label": `${panel.title}: ${keys}` }
    : { class: "brainlab-panel", role: "img", "aria-label": panel.title }, canvas);
  const picture = () => model.get(`picture_${panel.name}`);
  const size = () => [picture().width, picture().height];
  let drawn = [], middle = { at: [0, 0], zoom: 0 };

  /** Where the zoomed picture lies on the canvas: pixel i is drawn from ``left + i * scale``.
   *  It stays until the zoom changes or the crosshair leaves it, and never moves under a dragging hand. */
  function place() {
    const { width, height } = picture(), { zoom } = model.get("look"), scale = (canvas.width / width) * zoom;
    const at = cross ? [crosshair.index(panel.columns), crosshair.index(panel.rows)]
      : brush?.focus() ?? [(width - 1) / 2, (height - 1) / 2];
    const shift = (size, space, middle) => clamp(space / 2 - (middle + 0.5) * scale, space - size * scale, 0);
    const around = ([column, row]) =>
      ({ scale, left: shift(width, canvas.width, column), top: shift(height, canvas.height, row) });
    const inside = (left, space, i) => left + (i + 0.5) * scale >= 0 && left + (i + 0.5) * scale <= space;
    let seen = around(middle.at);
    const left = !inside(seen.left, canvas.width, at[0]) || !inside(seen.top, canvas.height, at[1]);
    if (middle.zoom !== zoom || (left && !(crosshair ?? brush)?.dragged())) {
      middle = { at, zoom };
      seen = around(at);
    }
    return seen;
  }
  /** The pixel under a pointer, as fractions; 0 is the centre of the first. */
  const pick = (event) => {
    const box = canvas.getBoundingClientRect(), at = place(), ratio = canvas.width / box.width;
    return [((event.clientX - box.left) * ratio - at.left) / at.scale - 0.5,
      ((event.clientY - box.top) * ratio - at.top) / at.scale - 0.5];
  };
  function hairs(context, at) {
    const w = canvas.width, h = canvas.height, gap = 7 * devicePixelRatio;
    const x = at.left + (crosshair.index(panel.columns) + 0.5) * at.scale;
    const y = at.top + (crosshair.index(panel.rows) + 0.5) * at.scale;
    const lines = [[0, y, x - gap, y], [x + gap, y, w, y], [x, 0, x, y - gap], [x, y + gap, x, h]];
    line(context, lines, [["#000", 3], ["#6cd4ff", 1.25]]);
  }
  /** Put the coloured picture and its marks on the page, sharp on any screen. */
  function show() {
    if (!picture()?.image || !fit(canvas, picture())) return;
    const context = canvas.getContext("2d"), at = place();
    smoothly(context, panel);
    context.drawImage(store, at.left, at.top, picture().width * at.scale, picture().height * at.scale);
    if (cross) hairs(context, at);
    brush?.paint(context, at);
    marks(context, panel, at.scale);
  }
  function draw() {
    const now = [picture(), model.get("look")];
    if (!now[0]?.image) return;
    if (now.some((one, i) => one !== drawn[i])) colour(store, now[0], panel, now[1]);
    drawn = now;
    show();
  }
  const parts = { node, surface: canvas, panel, model, link, size, pick, show, zooms: true };
  const crosshair = cross ? crosshairOf(parts) : null, brush = panel.brush ? brushOf(parts) : null;
  const figure = make("figure", {}, node, make("figcaption", {}, panel.title), ...(brush ? [brush.node] : []));
  return { node: figure, surface: canvas, draw, show, close: brush?.close };
}
