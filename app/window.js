// Tells the server how wide the window is, in steps of 200 pixels: where that is not what it takes it for, and
// again whenever it changes.
const step = () => Math.max(600, Math.min(1400, 200 * Math.floor(window.innerWidth / 200)));

export default function ({ data, setStateValue }) {
  let told = data.width;
  const tell = () => {
    if (step() !== told) setStateValue("width", (told = step()));
  };
  tell();
  window.addEventListener("resize", tell);
  return () => window.removeEventListener("resize", tell);
}
