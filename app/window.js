// Tells the server how wide the window is, in steps of 200 pixels: where that is not what it takes it for, and
// again whenever it changes.  Only while the page stands still: a widget that has just come may not know its value yet,
// and whatever makes the server draw then would send the wrong one.
const step = () => Math.max(600, Math.min(1400, 200 * Math.floor(window.innerWidth / 200)));
const still = () => document.querySelector('.stApp[data-test-script-state="notRunning"]');

export default function ({ data, setStateValue }) {
  let told = data.width;
  let stood = false;
  const tell = () => {
    const stands = Boolean(still());
    if (stands && stood && step() !== told) setStateValue("width", (told = step()));
    stood = stands;
  };
  const watch = setInterval(tell, 100);
  return () => clearInterval(watch);
}
