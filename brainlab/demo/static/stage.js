// The bar of a demo: the scene's title and what to point at, keys, and the scene as a link or a file.

const SLOW_MS = 400; // after so long the page says that it is at work
const KEYS = "r: reset · n, p: next and previous scene · f: full screen";

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

/** What the address asks for, first behind its "#": a scene's name, or a scene's text. */
function asked() {
  const found = [location.hash.slice(1), location.search].map((one) => new URLSearchParams(one));
  return found.map((one) => one.get("state") ?? one.get("scene")).find((one) => one) ?? "";
}
const link = (name, value) => `${location.origin}${location.pathname}#${name}=${encodeURIComponent(value)}`;

/** One question at a time; of those asked meanwhile the newest counts. */
function line(model, busy) {
  let flying = false, next = null;
  const send = (wish) => { flying = true; busy(true); model.send(wish); };
  model.on("change:shown", () => {
    flying = false;
    const wish = next;
    next = null;
    if (wish) send(wish);
    else busy(false);
  });
  return (wish) => { if (flying) next = wish; else send(wish); };
}

function dialog() {
  const text = make("textarea", { rows: 12, spellcheck: "false", "aria-label": "This scene, as its file holds it" });
  const said = make("p", { role: "status" }), node = make("dialog", { "aria-label": "This scene" });
  const copy = async (what, words) => {
    try {
      await navigator.clipboard.writeText(what);
      said.textContent = words;
    } catch {
      text.value = what;
      text.select();
      said.textContent = "The browser does not let a page copy: press Ctrl+C.";
    }
  };
  const save = () => {
    const file = make("a", { href: URL.createObjectURL(new Blob([text.value], { type: "application/json" })), download: "scene.json" });
    file.click();
    URL.revokeObjectURL(file.href);
    said.textContent = "Saved as scene.json, among the downloads: brainlab demo --scene scene.json opens it.";
  };
  const button = (words, act) => make("button", { type: "button", onclick: act }, words);
  node.append(make("h2", {}, "This scene, as it stands"), text, make("div", {},
    button("Copy the link", () => copy(link("state", JSON.stringify(JSON.parse(text.value))), "The link is copied: it works while this demo runs.")),
    button("Copy the text", () => copy(text.value, "The text is copied.")), button("Save as a file", save),
    button("Close", () => node.close())), said);
  const open = ({ text: content, note }) => {
    text.value = content;
    said.textContent = note;
    if (!node.open) node.showModal();
  };
  return { node, open };
}

function render({ model, el }) {
  const titles = model.get("titles"), names = model.get("names");
  const title = make("h1"), say = make("p", { class: "brainlab-demo-say" }), number = make("span", { class: "brainlab-demo-number" });
  const problem = make("p", { class: "brainlab-demo-problem", role: "alert" }), copy = dialog();
  const all = () => document.querySelector(".brainlab-demo");
  let opening = 0;
  const ask = line(model, (busy) => {
    all()?.toggleAttribute("data-busy", busy);
    clearTimeout(opening);
    if (busy) opening = setTimeout(() => { number.textContent = "Opening …"; }, SLOW_MS);
  });
  const first = asked(); // before the address is written over
  let wanted = model.get("shown").place, strange = false;
  const go = (step) => {
    wanted = (wanted + step + titles.length) % titles.length;
    title.textContent = titles[wanted]; // at once; the picture follows
    say.textContent = "";
    ask({ go: wanted });
  };
  const reset = () => ask(strange ? { scene: strange } : { go: wanted });
  const full = () => (document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen?.());
  const button = (words, key, act) => make("button", { type: "button", title: `${words} (${key})`, "aria-keyshortcuts": key, onclick: act }, words);

  const bar = make("header", { class: "brainlab-demo-bar" }, make("div", {}, title, say), make("nav", { "aria-label": "Scenes" },
    number, button("‹", "p", () => go(-1)), button("›", "n", () => go(1)), button("Reset", "r", reset),
    make("button", { type: "button", onclick: () => ask({ copy: true }) }, "Copy this scene"),
    make("p", { class: "brainlab-demo-keys" }, KEYS)), problem);
  bar.querySelectorAll("button")[0].setAttribute("aria-label", "Previous scene");
  bar.querySelectorAll("button")[1].setAttribute("aria-label", "Next scene");

  function show() {
    const shown = model.get("shown");
    problem.textContent = shown.problem;
    number.textContent = titles.length > 1 ? `${shown.place + 1} of ${titles.length}` : "";
    if (shown.copied.text) return copy.open(shown.copied);
    wanted = shown.place;
    strange = shown.name || shown.problem ? false : strange;
    title.textContent = shown.title;
    say.textContent = shown.say;
    document.title = `${shown.title}: brainlab`;
    bar.toggleAttribute("data-alone", titles.length < 2);
    if (shown.name && !shown.problem) history.replaceState(null, "", `${location.pathname}?scene=${encodeURIComponent(shown.name)}`);
  }
  const acts = { n: () => go(1), p: () => go(-1), r: reset, f: full };
  const typing = (one) => one.matches?.("select, textarea, [contenteditable], input:not([type=range], [type=radio], [type=checkbox])");
  const keys = (event) => {
    const act = acts[event.key.toLowerCase()];
    if (!act || event.ctrlKey || event.metaKey || event.altKey || event.repeat || typing(event.target) || copy.node.open) return;
    event.preventDefault();
    act();
  };
  // A list keeps the keyboard after a choice by mouse, and would take the next "n" for itself.
  let mouse = false;
  const pointed = () => { mouse = true; }, typed = () => { mouse = false; };
  const chosen = (event) => { if (mouse && event.target.tagName === "SELECT") event.target.blur(); };
  const heard = [["keydown", typed, true], ["keydown", keys, false], ["pointerdown", pointed, true], ["change", chosen, true]];
  heard.forEach(([name, act, early]) => window.addEventListener(name, act, early));
  const open = (scene) => { if (scene) { strange = scene; ask({ scene }); } };
  const moved = () => open(asked());
  window.addEventListener("hashchange", moved);

  el.append(bar, copy.node);
  document.documentElement.style.setProperty("--demo-font", `${model.get("font")}px`);
  model.on("change:shown", show);
  show();
  if (first && first !== model.get("shown").name) open(first);
  return () => {
    model.off("change:shown", show);
    window.removeEventListener("hashchange", moved);
    heard.forEach(([name, act, early]) => window.removeEventListener(name, act, early));
  };
}

export default { render };
