// Draws what the kernel computes. Colour map, window, opacity, threshold, zoom and swipe happen here, in the browser.
// The files of this folder are joined into one module; this first one holds the small pieces of page.

const QUIET_MS = 500; // a screen reader hears a text when it has rested for so long
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
const bytes = (view) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
const floats = (view) => new Float32Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
const same = (one, other) => one === other || JSON.stringify(one) === JSON.stringify(other);
const SVG = "http://www.w3.org/2000/svg";

function dress(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}
const make = (tag, attributes = {}, ...children) => dress(document.createElement(tag), attributes, children);
const shape = (tag, attributes = {}, ...children) => dress(document.createElementNS(SVG, tag), attributes, children);

const minus = (text) => text.replace("-", "−");
const number = (value, spec) => minus(value.toFixed(spec.digits)) + (spec.unit && ` ${spec.unit}`);
let serial = 0;
const page = Math.random().toString(36).slice(2, 8); // each widget loads this file anew, and counts from 1 again
const fresh = () => `brainlab-${page}-${++serial}`; // two copies of a widget on one page share no id

/** A text for screen readers alone: ``say`` may be called at any rate, what has come to rest is heard. */
function speaker() {
  const node = make("p", { class: "brainlab-heard", "aria-live": "polite" });
  let timer = 0;
  const say = (words) => {
    clearTimeout(timer);
    timer = setTimeout(() => { if (node.textContent !== words) node.textContent = words; }, QUIET_MS);
  };
  return { node, say, stop: () => clearTimeout(timer) };
}

/** What a part follows: a value of the kernel's, or with "look." one that the browser decides alone. */
const follow = (name, model, link) =>
  (name.startsWith("look.") ? model.get("look")[name.slice(5)] : link.values[name]);
