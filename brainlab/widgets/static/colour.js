// Bytes to colours: 256 steps as [r, g, b], from anchors of matplotlib's inferno (perceptually uniform, and as clear to
// the colour-blind as to anybody), with the learner's window, threshold and opacity.

const INFERNO = ["000004", "0c0826", "240c4f", "420a68", "5d126e", "781c6d", "932667", "ae305c", "c73e4c", "dd513a",
  "ed6925", "f8850f", "fca50a", "fac62d", "f2e661", "fcffa4"];
const rgb = (hex) => [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16));
const between = (anchors) => Array.from({ length: 256 }, (_, i) => {
  const at = (i / 255) * (anchors.length - 1), k = Math.min(Math.floor(at), anchors.length - 2);
  const [a, b] = [rgb(anchors[k]), rgb(anchors[k + 1])];
  return a.map((one, c) => one + (at - k) * (b[c] - one));
});
const MAPS = { grey: between(["000000", "ffffff"]), inferno: between(INFERNO), amber: between(["ffb000", "ffb000"]) };

const valueOf = (byte, [low, high]) => low + (byte / 255) * (high - low);

/** [low, high] of the window: the learner's, or with "auto" black at the lowest value and white at the 99.9th percentile. */
function windowOf(picture, look) {
  if (!look.auto) return [look.low ?? picture.span[0], look.high ?? picture.span[1]];
  const counts = new Uint32Array(256), image = bytes(picture.image);
  for (const byte of image) counts[byte]++;
  let top = 255;
  for (let left = image.length * 0.001; top > 1 && (left -= counts[top]) > 0; top--);
  return [picture.span[0], valueOf(top, picture.span)];
}

/** Fill an offscreen canvas of the picture's own size with its colours. */
function colour(target, picture, panel, look) {
  target.width = picture.width;
  target.height = picture.height;
  const [low, high] = windowOf(picture, look), image = bytes(picture.image);
  const base = Array.from({ length: 256 }, (_, byte) => {
    const t = (valueOf(byte, picture.span) - low) / Math.max(high - low, 1e-9);
    return MAPS[panel.colours][Math.round(255 * clamp(t, 0, 1))];
  });
  const over = picture.overlay && bytes(picture.overlay), shades = MAPS[panel.overlay_colours];
  const alpha = Array.from({ length: 256 }, (_, byte) =>
    byte > 0 && valueOf(byte, picture.overlay_span) >= look.threshold ? look.opacity : 0);
  const context = target.getContext("2d"), data = context.createImageData(picture.width, picture.height);
  for (let i = 0; i < image.length; i++) {
    const under = base[image[i]], a = over ? alpha[over[i]] : 0, top = a ? shades[over[i]] : under;
    for (let c = 0; c < 3; c++) data.data[4 * i + c] = under[c] + a * (top[c] - under[c]);
    data.data[4 * i + 3] = 255;
  }
  context.putImageData(data, 0, 0);
}

/** What colours mean, from the lowest value to the highest: a label, the colours, and their ends in words. */
const gradient = () => make("span", { class: "brainlab-scale", style: `background: linear-gradient(to right, ${INFERNO.map((one) => `#${one}`)})` });
const colourScale = (label, [low, high]) => make("div", { class: "brainlab-slider" }, make("span", {}, label), gradient(),
  make("span", { class: "brainlab-value" }, `${low.toFixed(2)}–${high.toFixed(2)}`));
const colourKey = (label, [low, high]) => {
  const end = (value) => minus(value.toFixed(Math.max(Math.abs(low), Math.abs(high)) < 10 ? 1 : 0));
  return [make("span", {}, label), make("span", {}, end(low)), gradient(), make("span", {}, end(high))];
};
