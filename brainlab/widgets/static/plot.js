// Axes of a plot in SVG: sharp on any screen, and in the colours of the theme without being told of a change.

const DASHES = ["", "7 4", "2 3", "9 3 2 3", "12 3 2 3 2 3"]; // a line is known by its dashes as well as its colour

/** 2.5·10⁵: short, and as in a book. */
function powerOfTen(value) {
  if (!value) return "0";
  const [front, power] = value.toExponential(1).replace(".0e", "e").split("e");
  return `${front}·10${Array.from(power.replace("+", ""), (one) => (one === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[one])).join("")}`;
}
/** Round numbers (1, 2, 5 × 10ⁿ) from low to high, at most ``most``, as [value, text]. */
function ticks([low, high], most) {
  const least = (high - low) / Math.max(most, 1), power = 10 ** Math.floor(Math.log10(least));
  const step = power * [1, 2, 5, 10].find((one) => one * power >= least * 0.999);
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9)), big = Math.max(Math.abs(low), Math.abs(high));
  const words = (value) => (big >= 1e5 || big < 1e-3 ? powerOfTen(value) : value.toFixed(digits));
  return Array.from({ length: Math.floor(high / step + 1e-6) - Math.ceil(low / step - 1e-6) + 1 }, (_, i) => {
    const value = (Math.ceil(low / step - 1e-6) + i) * step;
    return [value, minus(words(value))];
  });
}
/** Draw both axes into an empty ``svg`` and give where a value lies, in CSS pixels: ``x(value)``, ``y(value)``, ``box``. */
function axes(svg, { xSpan, ySpan, xLabel, yLabel }) {
  const width = svg.clientWidth, height = svg.clientHeight;
  const upward = ticks(ySpan, clamp(height / 27, 2, 8)), wide = 8 + 6.5 * Math.max(...upward.map(([, words]) => words.length), 1);
  const box = { left: 18 + wide, top: 10, right: width - 12, bottom: height - 38 };
  const x = (value) => box.left + ((value - xSpan[0]) / (xSpan[1] - xSpan[0])) * (box.right - box.left);
  const y = (value) => box.bottom - ((value - ySpan[0]) / (ySpan[1] - ySpan[0])) * (box.bottom - box.top);
  const along = ticks(xSpan, clamp((box.right - box.left) / 42, 2, 8)), middle = (box.top + box.bottom) / 2;
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.replaceChildren(
    ...upward.map(([value]) => shape("line", { class: "brainlab-grid", x1: box.left, x2: box.right, y1: y(value), y2: y(value) })),
    ...along.map(([value]) => shape("line", { class: "brainlab-grid", x1: x(value), x2: x(value), y1: box.top, y2: box.bottom })),
    shape("path", { class: "brainlab-axis", d: `M${box.left} ${box.top}V${box.bottom}H${box.right}` }),
    ...upward.map(([value, words]) => shape("text", { x: box.left - 6, y: y(value) + 4, "text-anchor": "end" }, words)),
    ...along.map(([value, words]) => shape("text", { x: x(value), y: box.bottom + 15, "text-anchor": "middle" }, words)),
    shape("text", { class: "brainlab-label", x: (box.left + box.right) / 2, y: height - 6, "text-anchor": "middle" }, xLabel),
    shape("text", { class: "brainlab-label", x: 0, y: 0, "text-anchor": "middle", transform: `translate(12 ${middle}) rotate(-90)` }, yLabel));
  return { x, y, box };
}
