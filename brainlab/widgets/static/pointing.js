// A crosshair moved by pointer and keys, in a picture's pixels or a plot's steps.

/** ``size()`` is [columns, rows]; ``pick(event)`` the [column, row] under a pointer, as fractions.
 *  Gives ``index(axis)``, where the crosshair stands, and ``dragged()``. */
function crosshairOf({ node, surface, panel, model, link, size, pick, zooms }) {
  const { rows, columns } = panel;
  const index = (axis) => (link.values[axis.name] - axis.first) / axis.step;
  const limit = (axis, value) => {
    const end = axis.first + (size()[axis === columns ? 0 : 1] - 1) * axis.step;
    return clamp(value, Math.min(axis.first, end), Math.max(axis.first, end));
  };
  const point = (event) => {
    const found = pick(event);
    if (!found) return; // nothing is drawn yet
    const [column, row] = found;
    const value = (axis, at) => limit(axis, axis.first + Math.round(at) * axis.step);
    link.ask({ [columns.name]: value(columns, column), [rows.name]: value(rows, row) });
  };
  const drag = dragOf(node, surface, point, point);
  node.addEventListener("keydown", (event) => {
    const many = event.shiftKey ? 10 : 1, { zoom } = model.get("look");
    const step = (axis, by) => link.ask({ [axis.name]: limit(axis, link.values[axis.name] + by * many * axis.step) });
    const slice = (by) => {
      const spec = model.get("spec").controls.find((one) => one.name === panel.through);
      if (spec) link.ask({ [spec.name]: clamp(link.values[spec.name] + by * many, spec.low, spec.high) });
    };
    const through = panel.through && {
      PageUp: () => slice(Math.abs(rows.step)),
      PageDown: () => slice(-Math.abs(rows.step)),
      Home: () => slice(-Infinity),
      End: () => slice(Infinity),
    };
    const magnify = zooms && {
      "+": () => link.look({ zoom: clamp(zoom * 1.25, 1, 6) }, true),
      "-": () => link.look({ zoom: clamp(zoom / 1.25, 1, 6) }, true),
    };
    obey(event, {
      ArrowLeft: () => step(columns, -1),
      ArrowRight: () => step(columns, 1),
      ArrowUp: () => step(rows, -1),
      ArrowDown: () => step(rows, 1),
      ...through,
      ...magnify,
    });
  });
  return { index, dragged: drag.dragged };
}

/** Do what a key stands for, and keep it from scrolling the page. */
function obey(event, actions) {
  const act = actions[event.key === "=" ? "+" : event.key];
  if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  act();
}

/** A pointer that is pressed on ``surface`` and moves, also outside it, until it is let go. */
function dragOf(node, surface, down, move, up = () => {}) {
  let dragged = null;
  surface.addEventListener("pointerdown", (event) => {
    if (event.button || dragged !== null) return; // a second finger does not take over
    surface.setPointerCapture(event.pointerId);
    dragged = event.pointerId;
    node.focus({ preventScroll: true });
    down(event);
  });
  surface.addEventListener("pointermove", (event) => { if (event.pointerId === dragged) move(event); });
  for (const end of ["pointerup", "pointercancel"]) {
    surface.addEventListener(end, (event) => {
      if (event.pointerId !== dragged) return;
      dragged = null;
      up(event);
    });
  }
  return { dragged: () => dragged !== null };
}
