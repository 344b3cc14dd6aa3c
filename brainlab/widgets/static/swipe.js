// Two pictures, one over the other: the divider between them is the browser's alone.

function makeSwipe(panel, model, link) {
  const canvas = make("canvas", { "data-panel": panel.name }), sides = [panel.left, panel.right];
  const stores = sides.map(() => document.createElement("canvas")), pictures = () => sides.map(([name]) => model.get(`picture_${name}`));
  const node = make("div", { class: "brainlab-panel brainlab-swipe", tabindex: 0, role: "slider", "aria-label": panel.title,
    "aria-orientation": "horizontal", "aria-valuemin": 0, "aria-valuemax": 100 }, canvas);
  const share = () => model.get("look").swipe;
  const move = (value, done) => link.look({ swipe: clamp(value, 0, 1) }, done);
  const under = (event) => {
    const box = canvas.getBoundingClientRect();
    return (event.clientX - box.left) / box.width;
  };
  let drawn = [];

  function show() {
    const both = pictures();
    if (!both.every((one) => one?.image) || !fit(canvas, both[0])) return;
    const context = canvas.getContext("2d"), w = canvas.width, h = canvas.height, px = devicePixelRatio, at = share() * w;
    const { zoom } = model.get("look"), left = (w - w * zoom) / 2, top = (h - h * zoom) / 2;
    smoothly(context, panel);
    [[0, at], [at, w - at]].forEach(([from, width], i) => {
      context.save();
      context.beginPath();
      context.rect(from, 0, width, h);
      context.clip();
      context.drawImage(stores[i], left, top, w * zoom, h * zoom);
      context.font = `600 ${13 * px}px system-ui, sans-serif`;
      const label = sides[i][1]; // each in its own corner, and covered with its picture
      text(context, label, i ? w - 6 * px : 6 * px, 6 * px, i ? "right" : "left", "top");
      context.restore();
    });
    line(context, [[at, 0, at, h]], [["#000", 4], ["#6cd4ff", 2]]);
    const grip = 5 * px, y = h / 2; // two arrowheads: it moves sideways
    for (const way of [-1, 1]) {
      const x = at + way * 1.2 * grip;
      line(context, [[x, y - grip, x + way * grip, y], [x + way * grip, y, x, y + grip]], [["#000", 4], ["#6cd4ff", 2]]);
    }
    marks(context, panel, (w * zoom) / both[0].width);
    const percent = Math.round(100 * share());
    node.setAttribute("aria-valuenow", percent);
    node.setAttribute("aria-valuetext", `${percent} % ${sides[0][1]}, ${100 - percent} % ${sides[1][1]}`);
  }
  function draw() {
    const now = [...pictures(), model.get("look")];
    if (!now[0]?.image || !now[1]?.image) return;
    const { swipe, zoom, ...colours } = now[2]; // neither changes a colour
    now[2] = JSON.stringify(colours);
    stores.forEach((store, i) => { if (now[i] !== drawn[i] || now[2] !== drawn[2]) colour(store, now[i], panel, colours); });
    drawn = now;
    show();
  }
  dragOf(node, canvas, (event) => move(under(event)), (event) => move(under(event)), () => move(share(), true));
  node.addEventListener("keydown", (event) => {
    const step = event.shiftKey ? 0.1 : 0.02;
    const by = (way) => () => move(share() + way * step, true);
    obey(event, { ArrowLeft: by(-1), ArrowDown: by(-1), ArrowRight: by(1), ArrowUp: by(1),
      Home: () => move(0, true), End: () => move(1, true) });
  });
  return { node: make("figure", {}, node, make("figcaption", {}, panel.title)), surface: canvas, draw, show };
}
