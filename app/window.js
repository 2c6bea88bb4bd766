// Tells the server whether the window is narrow: once where it is, and again whenever that changes.
const narrow = window.matchMedia("(max-width: 1100px)");

export default function ({ data, setStateValue }) {
  const tell = () => setStateValue("narrow", narrow.matches);
  if (narrow.matches !== data.narrow) tell();
  narrow.addEventListener("change", tell);
  return () => narrow.removeEventListener("change", tell);
}
