// Offers tags while a person types in the pack's prompt boxes, found by their first letters, other
// spellings and words of other languages (nodes/tag_route.py). Down and Up choose, Tab takes the chosen
// or the first tag, Enter the chosen one, Escape closes; all other keys keep their meaning. It is off
// where another pack completes tags.
import { app } from "../../scripts/app.js";
import { api } from "../../scripts/api.js";
import { make } from "./elements.js";
import { widgetOf } from "./text_boxes.js";

const SETTING = "TipoSuite.Autocomplete";
const INPUTS = ["tags", "text", "try_on", "negative"];
// Ban rules are no prompts: their parentheses are not escaped.
const RULES = ["bans", "rules"];
const WAIT_MILLISECONDS = 40;
const MOST_REMEMBERED = 200;
// Other packs' extensions that complete tags, and the settings that turn them off.
const OTHERS = {
  "pysssss.AutoCompleter": "pysssss.AutoCompleter",
  AutocompletePlus: "AutocompletePlus.Autocompletion.Enable",
};
const OTHER = /^(?!tiposuite).*auto-?\s?complet/i;

const setting = (id) => app.extensionManager.setting.get(id);
const isPrompt = (box) => INPUTS.includes(widgetOf(box)?.name);
const isBox = (box) => isPrompt(box) || RULES.includes(widgetOf(box)?.name);

function isOn() {
  const isOther = ({ name }) => OTHER.test(name) && !(OTHERS[name] && setting(OTHERS[name]) === false);
  return setting(SETTING) !== false && !app.extensions.some(isOther);
}

const list = make("div", { className: "tipo-suggestions", role: "listbox" });

const remembered = new Map();
let box = null;
let matches = [];
let chosen = -1;
let start = 0;
let asked = 0;

function close() {
  asked += 1;
  list.remove();
  box = null;
}

// Returns the letters before the cursor that may begin a tag, or "".
function lettersAt({ value, selectionStart, selectionEnd }) {
  const before = value.slice(Math.max(0, selectionStart - 200), selectionStart);
  // Not in <lora:...>, a wildcard, a comment or an embedding.
  const isOther = /<[^>\n]*$|__[^,\s]*$|(^|\n)\s*(#|\/\/)[^\n]*$|embedding:\S*$/.test(before);
  if (isOther || selectionStart !== selectionEnd) return "";
  const letters = /[^,，、;|:(){}[\]\\<>\n]*$/.exec(before)[0].trimStart();
  // One letter of an alphabet is too little, one Chinese character is a word.
  return letters.length > 1 || letters > "\u2e80" ? letters : "";
}

async function find(letters) {
  if (!remembered.has(letters)) {
    const answer = await api.fetchApi(`/tipo/tags?limit=8&q=${encodeURIComponent(letters)}`);
    if (!answer.ok) return [];
    if (remembered.size >= MOST_REMEMBERED) remembered.clear();
    remembered.set(letters, (await answer.json()).tags);
  }
  return remembered.get(letters);
}

function choose(place) {
  chosen = place;
  [...list.children].forEach((row, at) => {
    row.ariaSelected = String(at === place);
  });
}

function show(element, found, letters) {
  box = element;
  matches = found;
  start = element.selectionStart - letters.length;
  list.replaceChildren(
    ...found.map(({ tag, word }, at) => {
      const textContent = word ? `${tag}  \u2190 ${word}` : tag;
      // The box keeps the focus.
      const onpointerdown = (event) => {
        event.preventDefault();
        take(at);
      };
      return make("div", { role: "option", textContent, onpointerdown });
    }),
  );
  // Below the box, where it covers nothing that is typed.
  const { left, bottom, top } = element.getBoundingClientRect();
  list.style.left = `${left}px`;
  document.body.append(list);
  const { offsetHeight } = list;
  const isLow = bottom + offsetHeight > innerHeight;
  list.style.top = `${isLow ? Math.max(0, top - offsetHeight) : bottom}px`;
  choose(-1);
}

function take(at) {
  const element = box;
  const end = element.selectionStart;
  const { tag } = matches[at];
  const written = isPrompt(element) ? tag.replace(/[()]/g, "\\$&") : tag;
  const isSeparated = /^\s*[,，)\]|}:]/.test(element.value.slice(end));
  element.setSelectionRange(start, end);
  // Typed text can be undone and reaches the front end.
  document.execCommand("insertText", false, isSeparated ? written : `${written}, `);
  close();
}

async function suggest(element) {
  close();
  const letters = lettersAt(element);
  if (!letters || !isOn()) return;
  const number = asked;
  await new Promise((resolve) => setTimeout(resolve, WAIT_MILLISECONDS));
  if (number !== asked) return;
  const found = await find(letters).catch(() => []);
  const isWhole = found.length === 1 && found[0].tag === letters;
  const isCurrent = number === asked && document.activeElement === element;
  if (isCurrent && found.length && !isWhole) show(element, found, letters);
}

function onKey(event) {
  const { key, target, isComposing } = event;
  if (!box || target !== box || isComposing) return;
  if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  const count = matches.length;
  if (key === "ArrowDown") choose((chosen + 1) % count);
  else if (key === "ArrowUp" && chosen >= 0) choose((chosen + count - 1) % count);
  else if (key === "Tab") take(Math.max(0, chosen));
  else if (key === "Enter" && chosen >= 0) take(chosen);
  else if (key === "Escape") close();
  // The cursor moves without a change of the text.
  else return /^(Arrow|Home|End|Page)/.test(key) && close();
  event.preventDefault();
  event.stopImmediatePropagation();
}

app.registerExtension({
  name: "tiposuite.Autocomplete",
  settings: [
    {
      id: SETTING,
      category: ["TIPO Suite", "Prompt", "Autocomplete"],
      name: "Complete tags in the prompt boxes of TIPO Suite",
      tooltip: "It is off in any case while the autocomplete of another pack is on.",
      type: "boolean",
      defaultValue: true,
    },
  ],
  setup() {
    const onText = ({ target, isComposing }) => !isComposing && isBox(target) && suggest(target);
    document.addEventListener("input", onText);
    // The input method of Chinese or Japanese has written a word.
    document.addEventListener("compositionend", onText);
    // Before the handlers of the canvas.
    document.addEventListener("keydown", onKey, true);
    document.addEventListener("focusout", ({ target }) => target === box && close());
    document.addEventListener("wheel", () => box && close(), { passive: true, capture: true });
  },
});
