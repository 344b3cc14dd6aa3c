// Numbers read where the threshold stands, from a table that came with the frame: no kernel is asked.

function makeLookup(panel, model, link) {
  const rows = make("tbody"), heard = speaker();
  const node = make("div", { class: "brainlab-lookup" }, make("table", {}, make("caption", {}, panel.title), rows), heard.node);
  let table = null, content = null, shown = null;

  function show() {
    const now = model.get(`picture_${panel.name}`), value = follow(panel.follows, model, link);
    if (!now?.rows || value == null) return;
    if (now !== content) table = { at: floats(now.at), rows: now.rows.map((one) => ({ ...one, values: floats(one.values) })) };
    const index = table.at.reduce((best, one, i) => (Math.abs(one - value) < Math.abs(table.at[best] - value) ? i : best), 0);
    if (now === content && index === shown) return;
    [content, shown] = [now, index];
    const words = ({ values, digits, unit }) => (Number.isFinite(values[index]) ? number(values[index], { digits, unit }) : "–");
    rows.replaceChildren(...table.rows.map((one) => make("tr", { "data-row": one.label }, make("th", { scope: "row" }, one.label), make("td", {}, words(one)))));
    heard.say(table.rows.map((one) => `${one.label} ${words(one)}`).join(", "));
  }
  return { node, surface: node, draw: show, show, close: heard.stop };
}
