// One view of a model: the panels, the controls, the words.

const PANELS = { picture: makePicture, swipe: makeSwipe, curve: makeCurve, scatter: makeScatter, lookup: makeLookup };

function fillTable(table, content) {
  if (!content) return;
  const bar = (length) => make("span", { class: "brainlab-bar", style: `width: ${100 * clamp(length, 0, 1)}%` });
  const bars = content.rows.some(([, , length]) => length != null);
  table.classList.toggle("brainlab-bars", bars); // without any, words have the room
  table.replaceChildren(make("caption", {}, content.caption), make("tbody", {}, ...content.rows.map(([name, words, length]) =>
    make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, words),
      ...(bars ? [make("td", { "aria-hidden": "true" }, ...(length == null ? [] : [bar(length)]))] : [])))));
}

function openView(model, el, link) {
  const spec = model.get("spec"), frame = () => model.get("frame");
  const kinds = spec.panels.map((panel) => panel.kind), parts = spec.panels.map((panel) => PANELS[panel.kind](panel, model, link));
  const panels = parts.filter((_, i) => kinds[i] !== "lookup"), lookups = parts.filter((_, i) => kinds[i] === "lookup");
  const controls = spec.controls.map((one) => [one.name, CONTROLS[one.kind](one,
    { change: (value) => link.ask({ [one.name]: value }), press: () => link.press(one.name) })]);
  const names = spec.panels.flatMap((panel) => (panel.kind === "swipe" ? [panel.left[0], panel.right[0]] : [panel.name]));
  const pictures = () => names.map((name) => model.get(`picture_${name}`)).filter((one) => one?.image), first = pictures();
  const spans = { image: first[0]?.span ?? [0, 1], overlay: first.find((one) => one.overlay)?.overlay_span ?? [0, 1] };
  const shift = (name, value) => {
    const { low = spans.image[0], high = spans.image[1] } = model.get("look");
    const width = name === "width" ? value : high - low, level = name === "level" ? value : (low + high) / 2;
    return { low: level - width / 2, high: level + width / 2 };
  };
  const looks = displaySpecs(spec.display, spans).map((one) => [one.name, CONTROLS[one.kind]({ ...one, name: `look-${one.name}` }, {
    change: (value, done) =>
      link.look(["width", "level"].includes(one.name) ? shift(one.name, value) : { [one.name]: value }, done) })]);
  const id = fresh(), table = make("table"), heard = speaker();
  // What a screen reader says of the slider in use, for all to read; heard already as its aria-valuetext.
  const said = make("p", { class: "brainlab-said", "aria-hidden": "true" });
  let used = "";
  const readout = make("p", { class: "brainlab-readout", id }), status = make("p", { class: "brainlab-status", role: "status" });
  const error = make("p", { class: "brainlab-error", role: "alert", hidden: true });
  const nodes = (list) => list.map(([, control]) => control.node);
  const root = make("section", {
    class: "brainlab", style: `--panels: ${panels.length}`, "aria-label": spec.title, "aria-describedby": id },
    make("h3", {}, spec.title),
    make("div", { class: panels.length === 1 ? "brainlab-body brainlab-beside" : "brainlab-body" },
      make("div", { class: "brainlab-panels" }, ...panels.map((one) => one.node)),
      make("div", { class: "brainlab-controls" },
        ...(controls.length ? [make("fieldset", { class: "brainlab-settings" }, make("legend", {}, "Settings"), ...nodes(controls), said)] : []),
        ...(frame().table ? [table] : []),
        ...(looks.length ? [make("fieldset", {}, make("legend", {}, "Display"), ...nodes(looks),
          ...(spec.display.includes("threshold") ? [colourScale("Overlay colours", spans.overlay)] : []))] : []),
        ...lookups.map((one) => one.node)),
      make("div", { class: "brainlab-words" }, readout, heard.node, error, status)),
    make("p", { class: "brainlab-caption" }, spec.caption));

  const view = {
    status() {
      status.textContent = link.status;
    },
    /** Controls and crosshair follow at once, also while the picture is still on its way. */
    move() {
      root.setAttribute("aria-busy", String(link.busy));
      const { disabled = [], spoken = {} } = frame();
      for (const [name, control] of controls) control.set(link.values[name], spoken[name], disabled.includes(name));
      said.textContent = Object.keys(spoken).length ? spoken[used] ?? " " : "";
      parts.forEach((one) => one.show());
    },
    draw() {
      const look = model.get("look"), { readout: words, table: content, error: problem, count } = frame();
      const [low, high] = first.length ? windowOf(pictures()[0], look) : [0, 1];
      const shown = { ...look, width: high - low, level: (high + low) / 2 };
      for (const [name, control] of looks) control.set(shown[name], "", look.auto && ["width", "level"].includes(name));
      parts.forEach((one) => one.draw());
      view.move();
      fillTable(table, content);
      error.textContent = problem;
      error.hidden = !problem;
      if (readout.textContent !== words) readout.textContent = words;
      heard.say(words);
      root.setAttribute("data-frame", count);
    },
  };

  root.addEventListener("focusin", (event) => { used = event.target.dataset.name ?? ""; view.move(); });

  // JupyterLab's own shortcuts (arrows, dd, …) must not act while the learner uses the widget; Ctrl+S and Shift+Enter must.
  const guard = (event) => {
    if (root.contains(event.target)) {
      const ours = !event.ctrlKey && !event.metaKey && !(event.key === "Enter" && (event.shiftKey || event.target.tagName !== "BUTTON"));
      event.target.toggleAttribute("data-lm-suppress-shortcuts", ours); // on the target itself: Lumino starts there
    }
  };
  window.addEventListener("keydown", guard, true);
  const sizes = new ResizeObserver(() => panels.forEach((one) => one.show()));
  panels.forEach((one) => sizes.observe(one.surface));
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
    heard.stop();
    parts.forEach((one) => one.close?.());
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
