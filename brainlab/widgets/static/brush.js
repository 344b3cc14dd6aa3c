// Painting on a picture: by pointer, or with arrow keys and Space. What the kernel has not shown yet is previewed.

function brushOf({ node, surface, panel, model, link, size, pick, show }) {
  const heard = speaker(), radius = () => link.values[panel.brush.radius] ?? 1;
  const round = (value) => Math.round(100 * value) / 100;
  let at = null, over = false, held = false, tip = null;

  const inside = ([x, y]) => [clamp(x, 0, size()[0] - 1), clamp(y, 0, size()[1] - 1)];
  const stroke = (points, begins) => {
    if (!size()[0]) return; // there is no picture yet
    at = inside(points.at(-1)); // the picture ends, the hand may go on
    tip = points.at(-1).map(round);
    link.paint(panel.name, points.map((point) => point.map(round)), begins, radius());
  };
  /** All points since the last event: browsers bundle them a frame. */
  const points = (event) => {
    const all = event.getCoalescedEvents?.() ?? [];
    return (all.length ? all : [event]).map(pick);
  };
  const drag = dragOf(node, surface, (event) => stroke([pick(event)], true), (event) => stroke(points(event), false),
    (event) => { if (event.type === "pointerup" && !same(pick(event).map(round), tip)) stroke([pick(event)], false); });
  surface.addEventListener("pointermove", (event) => {
    over = true;
    if (!drag.dragged()) { at = inside(pick(event)); show(); }
  });
  surface.addEventListener("pointerleave", () => { over = false; show(); });
  node.addEventListener("focus", () => {
    if (size()[0]) at ??= size().map((one) => Math.round((one - 1) / 2));
    show();
  });
  node.addEventListener("blur", () => { held = false; show(); });
  node.addEventListener("keyup", (event) => { if (event.key === " ") held = false; });
  node.addEventListener("keydown", (event) => {
    if (!at) return;
    const many = event.shiftKey ? 10 : 1, { zoom } = model.get("look");
    const step = (x, y) => {
      at = inside([at[0] + x * many, at[1] + y * many]);
      if (held) stroke([at], false);
      else show();
      heard.say(`Brush at column ${Math.round(at[0]) + 1}, row ${Math.round(at[1]) + 1}`);
    };
    obey(event, {
      ArrowLeft: () => step(-1, 0),
      ArrowRight: () => step(1, 0),
      ArrowUp: () => step(0, -1),
      ArrowDown: () => step(0, 1),
      " ": () => {
        if (!held) stroke([at], true); // the key repeats while it is held
        held = true;
      },
      "+": () => link.look({ zoom: clamp(zoom * 1.25, 1, 6) }, true),
      "-": () => link.look({ zoom: clamp(zoom / 1.25, 1, 6) }, true),
    });
  });

  /** The strokes under way, and a ring of the brush's size where it stands. */
  function paint(context, place) {
    const on = ([x, y]) => [place.left + (x + 0.5) * place.scale, place.top + (y + 0.5) * place.scale];
    Object.assign(context, { lineCap: "round", lineJoin: "round" });
    for (const one of link.painted(panel.name)) {
      Object.assign(context, { strokeStyle: "rgb(255 176 0 / 60%)", lineWidth: 2 * one.radius * place.scale });
      context.beginPath();
      context.moveTo(...on(one.stroke[0]));
      for (const point of one.stroke) context.lineTo(...on(point));
      context.stroke();
    }
    context.lineCap = "butt";
    if (!at || !(over || node === document.activeElement)) return;
    for (const [style, width] of [["#000", 3], ["#6cd4ff", 1.25]]) {
      Object.assign(context, { strokeStyle: style, lineWidth: width * devicePixelRatio });
      context.beginPath();
      context.arc(...on(at), Math.max(radius() * place.scale, 2 * devicePixelRatio), 0, 2 * Math.PI);
      context.stroke();
    }
  }
  // The keyboard's cursor may leave a zoomed picture's view; a pointer cannot.
  const focus = () => (at && !over ? at : undefined);
  return { node: heard.node, paint, focus, dragged: drag.dragged, close: heard.stop };
}
