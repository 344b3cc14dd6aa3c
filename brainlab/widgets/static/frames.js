// A figure whose slider exchanges pictures that are already on the page: see brainlab/widgets/frames.py.
function playFrames(id) {
  const figure = document.getElementById(id);
  const { title, stills } = JSON.parse(figure.querySelector("script[type='application/json']").textContent);
  const [picture, slider, value, readout] = ["img", "input", "output", ".readout"].map((one) => figure.querySelector(one));
  const show = () => {
    const still = stills[slider.value];
    picture.src = still.src;
    picture.alt = `${title}. ${still.readout}`;
    value.textContent = still.value;
    readout.textContent = still.readout;
    slider.setAttribute("aria-valuetext", still.value);
  };
  slider.addEventListener("input", show);
  slider.parentElement.hidden = false; // without scripts there is nothing to move
  show(); // a browser may remember where the slider stood
}
