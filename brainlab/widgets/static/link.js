// The link to the kernel, one a model, shared by all its views. One wish is in flight at a time. The newest value wins;
// events (a press, a stroke) keep their order, and their numbers let the kernel tell a repeated one from a new one.

const BUSY_MS = 1000; // without an answer for so long the widget says "busy",
const GONE_MS = 10000; // and after so long that the kernel may be gone; a new wish is then sent at once
const TEXT = {
  busy: "The kernel is busy: the picture follows when it answers.",
  slow: "No answer from the kernel for 10 s. It is busy with another cell, or gone; if it is gone, run this cell again.",
  gone: "The kernel is gone: this picture cannot change. Run this cell again to go on.",
};

function openLink(model) {
  const link = { values: { ...model.get("frame").values }, status: "", busy: false, views: new Set() };
  const client = Math.random().toString(36).slice(2);
  let seq = 0, count = 0, flying = null, wanted = {}, events = [], tips = {}, timers = [];
  const tell = (what) => link.views.forEach((view) => view[what]());
  const rest = () => timers.forEach(clearTimeout);
  const say = (text) => { if (link.status !== text) { link.status = text; tell("status"); } };
  const late = (text) => () => { if (link.status !== TEXT.gone) say(text); };
  const underway = () => [...(flying?.events ?? []), ...events];

  function send() {
    rest();
    flying = { seq: ++seq, values: wanted, events, since: performance.now() };
    wanted = {};
    events = [];
    link.busy = true;
    timers = [setTimeout(late(TEXT.busy), BUSY_MS), setTimeout(late(TEXT.slow), GONE_MS)];
    try {
      model.send({ client, seq, values: flying.values, events: flying.events });
    } catch { // JupyterLab has closed the line
      say(TEXT.gone);
    }
  }
  /** Send what is wished for, if nothing is in flight or what is may be lost. */
  function hurry() {
    if (flying && performance.now() - flying.since > GONE_MS) {
      const next = events[0] ?? { values: wanted }; // ask again for what that wish asked, before what came later
      next.values = { ...flying.values, ...next.values };
      wanted = events.length ? wanted : next.values;
      events = underway();
      flying = null;
    }
    if (!flying) send();
    tell("move");
  }
  function arrive() {
    const frame = model.get("frame");
    if (flying && frame.client === client && frame.seq >= flying.seq) {
      flying = null;
      link.busy = false;
      rest();
    }
    // What is still wished for stays where it is.
    const mine = [...(flying?.events ?? []).map((one) => one.values), flying?.values, ...events.map((one) => one.values), wanted];
    link.values = Object.assign({}, frame.values, ...mine);
    say(flying ? link.status : "");
    if (!flying && (events.length || Object.keys(wanted).length)) send();
    tell("draw");
  }
  /** Ask for other values; their controls move at once, the picture when it comes. */
  link.ask = (values) => {
    if (!Object.entries(values).some(([name, value]) => !same(link.values[name], value))) return;
    Object.assign(wanted, values);
    Object.assign(link.values, values);
    hurry();
  };
  const happen = (event) => {
    events.push({ n: ++count, values: wanted, ...event });
    wanted = {};
  };
  link.press = (pressed) => {
    happen({ pressed });
    hurry();
  };
  /** Add points [x, y] to a panel's stroke, or begin one. What has not been sent yet is joined. */
  link.paint = (panel, points, begins, radius) => {
    const last = events.at(-1);
    if (!begins && last?.panel === panel && !Object.keys(wanted).length) last.stroke.push(...points);
    else happen({ panel, begins, radius, stroke: begins ? points : [tips[panel], ...points] });
    tips[panel] = points.at(-1);
    hurry();
  };
  /** Strokes that the kernel has not shown yet, for the preview. */
  link.painted = (panel) => underway().filter((one) => one.panel === panel);
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
