// The keys of an annotator.  What is pressed is held here and shown at once; the server gets all of it each time,
// so no key is lost or lands on another task however fast one types.  All text is set as text, never as HTML.
const pads = new WeakMap();
const PAUSE = 600;  // ms without a letter after which a note is kept

const editable = (node) => node instanceof Element &&
  (node.matches("input, textarea, select, [contenteditable=true], [role=combobox], [role=textbox]") || node.isContentEditable);
const pressable = (node) => node instanceof Element && node.matches("button, a, summary, [role=tab], [role=option]");

// A name or queue was just chosen in a box, which keeps the focus: the keys are for the task that came of it.
function letGo() {
  const box = document.activeElement;
  if (box && box.matches("[role=combobox], [data-testid=stSelectbox] *")) box.blur();
}

function make(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

class Pad {
  constructor(root) {
    this.root = root;
    this.task = null;
  }

  take({ data, setStateValue, setTriggerValue }) {
    this.send = setStateValue;
    this.act = setTriggerValue;
    const other = data.task !== this.task;
    if (other || data.locked || data.turn !== this.data.turn) this.waiting = false;
    if (other || data.locked) {
      this.labels = { ...data.labels };
      this.note = data.note;
    }
    if (other) {
      this.task = data.task;
      this.since = performance.now();
      this.earlier = data.seconds;
      this.focus = this.firstOpen(data);
      this.message = "";
      letGo();
    }
    this.data = data;
    this.draw();
  }

  firstOpen(data) {
    const place = data.fields.findIndex((field) => !(field.key in this.labels));
    return place < 0 ? data.fields.length : place;
  }

  whole() {
    const seconds = this.earlier + Math.min(600, (performance.now() - this.since) / 1000);
    return { task: this.task, labels: { ...this.labels }, note: this.note, seconds: Math.round(seconds * 10) / 10 };
  }

  choose(place, value) {
    if (this.data.locked || this.waiting) return;
    this.labels[this.data.fields[place].key] = value;
    const open = this.firstOpen(this.data);
    if (place === this.focus || open === this.data.fields.length) this.focus = open;
    this.message = "";
    this.send("state", this.whole());
    this.draw();
    this.follow();
  }

  follow() {  // what is next stays in sight of whoever only types
    const next = this.root.querySelector(".field.focus") ?? this.root.querySelector(".actions");
    next.scrollIntoView({ block: "nearest" });
  }

  leave(action) {
    if (this.waiting) return;
    const open = this.data.fields.filter((field) => !(field.key in this.labels));
    if (action.whole && open.length) {
      this.message = `Still open: ${open.map((field) => field.name.replace(/[?.]$/, "")).join(", ")}.`;
      this.focus = this.firstOpen(this.data);
      this.draw();
      return;
    }
    this.waiting = true;
    this.act("act", { name: action.name, ...this.whole() });
    this.draw();
  }

  key(event) {
    const target = event.composedPath()[0];
    if (event.key === "Tab") this.byPointer = false;
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector('[role="dialog"]')) return;
    if (editable(target)) {
      if (event.key === "Escape" && this.root.contains(target)) target.blur();
      return;
    }
    if (this.press(event.key.length === 1 ? event.key.toLowerCase() : event.key, target)) {
      event.preventDefault();
      event.stopPropagation();
      if (pressable(document.activeElement)) document.activeElement.blur();
    }
  }

  press(key, target) {
    if (key === "Enter" && pressable(target) && !this.root.contains(target) && !this.byPointer) return false;
    const action = this.data.actions.find((one) => one.key === key);
    if (action) { this.leave(action); return true; }
    if (this.data.locked) return false;
    if (key === "Backspace") { this.focus = Math.max(0, this.focus - 1); this.draw(); this.follow(); return true; }
    if (key === "t" && this.data.note !== null) { this.root.querySelector("textarea").focus(); return true; }
    const place = this.fieldOf(key);
    if (place < 0) return false;
    this.choose(place, this.data.fields[place].options.find((option) => option.keys.includes(key)).value);
    return true;
  }

  fieldOf(key) {  // the field in focus comes first; keys that only one field has work from anywhere
    const has = (field) => field.options.some((option) => option.keys.includes(key));
    if (this.focus < this.data.fields.length && has(this.data.fields[this.focus])) return this.focus;
    const having = this.data.fields.filter(has);
    return having.length === 1 ? this.data.fields.indexOf(having[0]) : -1;
  }

  draw() {
    const typing = this.root.querySelector("textarea");
    if (typing && typing === (this.root.getRootNode().activeElement ?? null)) {
      this.drawFields();
      return;
    }
    const pad = make("div", "pad");
    pad.append(make("div", "fields"));
    if (this.data.note !== null) pad.append(this.noteField());
    pad.append(make("div", "actions"), make("div", "said-line"));
    this.root.replaceChildren(pad);
    this.drawFields();
  }

  drawFields() {
    const pad = this.root.querySelector(".pad");
    pad.classList.toggle("waiting", Boolean(this.waiting));
    pad.querySelector(".fields").replaceChildren(...this.data.fields.map((field, place) => this.field(field, place)));
    pad.querySelector(".actions").replaceChildren(...this.data.actions.map((action) => this.action(action)));
    const said = pad.querySelector(".said-line");
    said.textContent = this.message || this.data.said;
    said.setAttribute("aria-live", "polite");
  }

  field(field, place) {
    const box = make("div", "field");
    box.setAttribute("role", "radiogroup");
    box.setAttribute("aria-label", field.name);
    const wide = this.data.fields.length === 1 || (place === this.focus && !this.data.locked);
    box.classList.add(wide ? "wide" : "narrow");
    if (place === this.focus && !this.data.locked) box.classList.add("focus");
    const name = make("div", "name", field.name);
    name.onclick = () => { this.focus = place; this.draw(); };
    const row = make("div", "row");
    row.append(...field.options.map((option) => this.option(field, place, option, wide)));
    if (wide) box.append(name, make("div", "hint", field.hint), row);
    else box.append(name, row, this.said(field));
    return box;
  }

  said(field) {  // what is chosen, in words; beside it the judge's, once it may be seen
    const mine = this.labels[field.key];
    const said = make("div", "said", mine ?? "");
    if (!this.data.locked || field.judge === null || mine === undefined) return said;
    if (field.judge === mine) said.append(make("span", "same", `✓ ${field.who} too`));
    else said.append(make("span", "differs", `≠ ${field.who}: ${field.judge}`));
    return said;
  }

  option(field, place, option, wide) {
    const button = make("button");
    button.type = "button";
    button.append(make("kbd", "", option.keys.map((key) => key.toUpperCase()).join(" · ")));
    if (wide) button.append(option.label);
    button.title = option.label;
    button.setAttribute("aria-label", option.label);
    button.setAttribute("aria-keyshortcuts", option.keys.join(" "));
    const chosen = this.labels[field.key] === option.value;
    button.classList.toggle("chosen", chosen);
    button.setAttribute("role", "radio");
    button.setAttribute("aria-checked", chosen);
    if (field.judge === option.value) {
      button.classList.add("judge");
      button.title = `${option.label}: ${field.who}`;
      if (wide) button.append(` · ${field.who}`);
    }
    button.disabled = this.data.locked;
    button.onclick = () => { this.focus = place; this.choose(place, option.value); };
    return button;
  }

  noteField() {
    const box = make("div", "field");
    const label = make("label", "hint");
    label.append(make("kbd", "", "T"), "note (Esc leaves it)");
    const area = make("textarea");
    area.rows = 2;
    area.maxLength = 4000;
    area.value = this.note;
    area.disabled = this.data.locked;
    area.setAttribute("aria-label", "Note");
    area.oninput = () => {
      this.note = area.value;
      clearTimeout(this.typed);
      this.typed = setTimeout(() => { if (!this.waiting && !this.data.locked) this.send("state", this.whole()); }, PAUSE);
    };
    area.onblur = () => this.send("state", this.whole());
    box.append(label, area);
    return box;
  }

  action(action) {
    const button = make("button", action.main ? "main" : "");
    button.type = "button";
    button.append(make("kbd", "", action.shown), action.label);
    button.setAttribute("aria-label", action.label);
    button.setAttribute("aria-keyshortcuts", action.key);
    button.disabled = Boolean(this.waiting);
    button.onclick = () => this.leave(action);
    return button;
  }
}

export default function (component) {
  const root = component.parentElement.querySelector(".root");
  if (!pads.has(root)) pads.set(root, new Pad(root));
  const pad = pads.get(root);
  pad.take(component);
  if (!pad.listening) {
    const listen = (event) => pad.key(event);
    const point = () => { pad.byPointer = true; };  // what was clicked keeps the focus, and must not keep Enter
    document.addEventListener("keydown", listen, true);
    document.addEventListener("pointerdown", point, true);
    pad.listening = () => {
      document.removeEventListener("keydown", listen, true);
      document.removeEventListener("pointerdown", point, true);
    };
  }
  return () => { pad.listening(); pad.listening = null; };
}
