// Tells the server how wide the window is, in steps of 200 pixels: where that is not what it takes it for, and
// again whenever it changes.  Only while the page stands still: a widget that has just come may not know its value yet,
// and whatever makes the server draw then would send the wrong one.
//
// And begins another view of a page at its top, or where it was left: `data.view` names the view that is shown.
//
// And makes one step of the history of a page that a click opens: Streamlit takes two, the page that is left with the
// other's view, then the other page.
const step = () => Math.max(600, Math.min(1400, 200 * Math.floor(window.innerWidth / 200)));
const still = () => document.querySelector('.stApp[data-test-script-state="notRunning"]');
const main = () => document.querySelector('[data-testid="stMain"]');

const left = new Map();  // view → how far down it was when something was last pressed in it
let shown = null;
let turn = 0;  // counts up where somebody scrolls or presses: then nothing is moved any more
const note = () => { turn += 1; if (shown !== null && main()) left.set(shown, main().scrollTop); };
document.addEventListener("pointerdown", note, true);
document.addEventListener("keydown", note, true);
document.addEventListener("wheel", () => { turn += 1; }, { capture: true, passive: true });

const push = history.pushState;
let pushed = -Infinity;
history.pushState = function (state, title, address) {
  const to = new URL(address, location.href);
  const second = performance.now() - pushed < 1000 && to.pathname !== location.pathname && to.search === location.search;
  pushed = performance.now();
  return (second ? history.replaceState : push).call(history, state, title, address);
};

function show(view) {
  if (view === shown) return;
  const first = shown === null;
  shown = view;
  if (first) return;
  const top = left.get(view) ?? 0;
  const until = performance.now() + 10000;  // what is below may still be on its way
  const mine = ++turn;
  let held = 0;  // tenths of a second that it has stayed there: what is drawn again may move it once more
  const go = () => {
    if (mine !== turn || !main()) return;
    held = Math.abs(main().scrollTop - top) < 1 ? held + 1 : 0;
    main().scrollTop = top;
    if (held < 15 && performance.now() < until) setTimeout(go, 100);
  };
  go();
}

export default function ({ data, setStateValue }) {
  let told = data.width;
  let stood = false;
  show(data.view);
  const tell = () => {
    const stands = Boolean(still());
    if (stands && stood && step() !== told) setStateValue("width", (told = step()));
    stood = stands;
  };
  const watch = setInterval(tell, 100);
  return () => clearInterval(watch);
}
