// Which key does what: the tables of the views, and the list of them that ? opens.

import { byId, make } from "./dom.js";

/**
 * @typedef {object} Binding
 * @property {string[]} keys as "k", " ", "Shift+ArrowLeft", "Ctrl+z"; Ctrl is Command on a Mac
 * @property {string} does for people
 * @property {() => void} act
 */

const NAMES = { " ": "Space", ArrowLeft: "←", ArrowRight: "→", Escape: "Esc", "-": "−" };
const OWN_KEYS = { // which elements need which keys themselves
  "input[type=range], input[type=radio]": /^(Arrow|Home|End|Page| $)/,
  "button, a, summary, input[type=checkbox]": /^( |Enter)$/,
  "input:not([type=range], [type=radio], [type=checkbox]), select": /^(?!Escape$)/,
};
const SINGLE = "single-keys"; // in localStorage: "off" where somebody talks to the machine, and letters come by chance

const tables = new Map(); // id of a section to its groups of bindings

/**
 * @param {string} section id of the element that is shown while the keys hold
 * @param {Record<string, Binding[]>} groups bindings under their headings
 */
export function bindKeys(section, groups) {
  tables.set(section, groups);
}

const shown = () => [...tables].find(([section]) => !byId(section).hidden)?.[1] ?? {};

const singleKeys = () => localStorage.getItem(SINGLE) !== "off";

function nameOf(event) {
  const letter = event.key.length === 1;
  const key = letter ? event.key.toLowerCase() : event.key;
  const ctrl = event.ctrlKey || event.metaKey ? "Ctrl+" : "";
  // The key of a sign, such as ?, is told with its Shift already.
  const shift = event.shiftKey && (!letter || /[a-z]/.test(key)) ? "Shift+" : "";
  return ctrl + shift + key;
}

function press(event) {
  if (event.altKey || byId("help").open) return;
  const needed = Object.entries(OWN_KEYS).some(
    ([elements, own]) => event.target.matches?.(elements) && own.test(event.key),
  );
  const name = nameOf(event);
  if (needed || (!singleKeys() && /^(Shift\+)?.$/.test(name) && name !== " ")) return;
  const binding = Object.values(shown()).flat().find(({ keys }) => keys.includes(name));
  if (name === "?") showHelp();
  else if (!binding) return;
  event.preventDefault();
  binding?.act();
}

function showHelp() {
  const cap = (part) => make("kbd", { textContent: NAMES[part] ?? (part.length === 1 ? part.toUpperCase() : part) });
  const caps = (name) => (name.length === 1 ? [name] : name.split("+")).map(cap);
  const entry = ({ keys, does }) => {
    const names = keys.flatMap((name, n) => (n ? [" or ", ...caps(name)] : caps(name)));
    return make("div", {}, make("dt", {}, ...names), make("dd", { textContent: does }));
  };
  const groups = Object.entries(shown()).map(([title, bindings]) =>
    make("section", {}, make("h3", { textContent: title }), make("dl", {}, ...bindings.map(entry))),
  );
  byId("help-keys").replaceChildren(...groups);
  byId("help-single").checked = singleKeys();
  byId("help").showModal();
}

document.addEventListener("keydown", press);
byId("help-open").addEventListener("click", showHelp);
byId("help-close").addEventListener("click", () => byId("help").close());
byId("help-single").addEventListener("change", (event) => {
  localStorage.setItem(SINGLE, event.target.checked ? "on" : "off");
});
