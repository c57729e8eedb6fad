// The box of a result: buttons, tabs of variants, the text by its writers, and the notes. The text
// scrolls inside a fixed height, so that nothing moves while it is written.
import { make } from "../elements.js";
import { words } from "../words.js";
import { notesOf } from "./notes.js";

// Moves the focus among neighbours with the arrow keys; one of them is a tab stop.
function roving(event, selector) {
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  const all = [...event.currentTarget.querySelectorAll(selector)];
  const next = step && all[(all.indexOf(event.target) + step + all.length) % all.length];
  if (!next) return;
  event.preventDefault();
  for (const one of all) one.tabIndex = one === next ? 0 : -1;
  next.focus();
}

export class ResultBox {
  // `act(name, result, span)` is called for each button.
  constructor(act) {
    this.act = act;
    this.tab = 0;
    this.bar = make("div", { className: "tipo-bar" });
    this.tabs = make("div", { className: "tipo-bar", role: "tablist" });
    this.tabs.onkeydown = (event) => roving(event, "button");
    this.text = make("div", { className: "tipo-text", tabIndex: 0 });
    this.text.onkeydown = (event) => roving(event, ".tipo-tag");
    this.status = make("span", { className: "tipo-status", role: "status" });
    const parts = [this.bar, this.tabs, this.text, this.status];
    this.element = make("div", { className: "tipo-result widget-expands" }, ...parts);
    // The canvas would take keys (Delete removes the node) and drags of the selection.
    this.element.onkeydown = (event) => {
      if (event.key === "Escape") this.closeMenu();
      if (!event.ctrlKey && !event.metaKey) event.stopPropagation();
    };
    this.element.onpointerdown = (event) => {
      event.stopPropagation();
      if (!this.menu?.contains(event.target)) this.closeMenu();
    };
  }

  say(text) {
    this.status.textContent = text;
  }

  show({ results = [], pinned = false, before, marks = {} }) {
    this.closeMenu();
    const refocus = this.focused();
    this.tab = Math.min(this.tab, Math.max(0, results.length - 1));
    const result = results[this.tab];
    const seed = typeof result?.seed === "number";
    const button = (name, title, enabled) => {
      const values = { textContent: words(name), title, disabled: !enabled };
      const made = make("button", { ...values, onclick: () => this.act(name, result) });
      made.dataset.action = name;
      return made;
    };
    const pin = button("pin", words(pinned ? "unpinTip" : "pinTip"), result);
    Object.assign(pin, { textContent: words(pinned ? "pinned" : "pin"), ariaPressed: pinned });
    this.bar.replaceChildren(
      button("copy", "", result),
      pin,
      ...(results.length > 1 ? [button("use", words("useTip"), true)] : []),
      button("back", words("backTip"), result),
      make("span", { className: "tipo-seed", textContent: words("seed") }),
      button("keep", words("keepTip"), seed),
      button("next", words("nextTip"), seed),
      button("last", words("lastTip"), typeof before === "number"),
    );
    this.showTabs(results.length, () => this.show({ results, pinned, before, marks }));
    this.element.dataset.pinned = pinned;
    if (!result) {
      this.text.replaceChildren(make("span", { className: "tipo-notes", textContent: words("empty") }));
      return;
    }
    const spans = result.spans?.length ? result.spans : [{ text: result.prompt, origin: "user" }];
    const notes = notesOf(result).map((note) => make("div", { textContent: note }));
    let stop = 0;
    const parts = spans.map((span) => {
      const part = make("span", { textContent: span.text, className: `tipo-${span.origin}` });
      if (span.origin !== "tag") return part;
      Object.assign(part, { role: "button", title: words("tagTip"), tabIndex: stop });
      stop = -1;
      if (marks[span.tag]) part.dataset.mark = marks[span.tag];
      part.onclick = () => this.openMenu(part, span, result);
      part.onkeydown = (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        // The key would also press the button that gets the focus.
        event.preventDefault();
        part.onclick();
      };
      return part;
    });
    this.text.replaceChildren(...parts, make("div", { className: "tipo-notes" }, ...notes));
    refocus();
  }

  // Returns the function that gives the focus back to the button or tag that has it now.
  focused() {
    const all = () => [...this.element.querySelectorAll("[data-action], .tipo-tag")];
    const place = all().indexOf(document.activeElement);
    return () => place >= 0 && all()[place]?.focus();
  }

  showTabs(count, again) {
    this.tabs.ariaLabel = words("variants");
    const made = Array.from({ length: count > 1 ? count : 0 }, (_, place) => {
      const isShown = place === this.tab;
      const onclick = () => {
        this.tab = place;
        again();
        this.tabs.children[place].focus();
      };
      const values = { role: "tab", textContent: `#${place + 1}`, tabIndex: isShown ? 0 : -1 };
      return make("button", { ...values, ariaSelected: isShown, onclick });
    });
    this.tabs.replaceChildren(...made);
  }

  openMenu(part, span, result) {
    this.closeMenu();
    const items = ["ban", "own"].map((name) =>
      make("button", { textContent: words(name), onclick: () => this.act(name, result, span) }),
    );
    this.menu = make("div", { className: "tipo-menu", role: "group", ariaLabel: span.tag }, ...items);
    this.opener = part;
    const bottom = part.offsetTop + part.offsetHeight - this.text.scrollTop;
    const left = Math.min(part.offsetLeft, this.element.clientWidth - 110);
    Object.assign(this.menu.style, { top: `${bottom}px`, left: `${Math.max(0, left)}px` });
    this.element.append(this.menu);
    this.menu.firstChild.focus();
  }

  closeMenu() {
    const { menu } = this;
    this.menu = undefined;
    if (menu?.contains(document.activeElement)) this.opener.focus();
    menu?.remove();
  }

  // `typed` are the user's tags and caption, `draft` the additions so far.
  write([tags, caption], draft) {
    // The order of the default template: added tags follow the last text of the user's.
    const added = [draft.tags, "tag", "\n"];
    const sentences = [draft.caption, "sentence", caption?.trim() ? " " : "\n"];
    const own = caption?.trim() ? [[caption, "user", "\n"], sentences, added] : [added, sentences];
    const shown = [[tags, "user", ""], ...own]
      .filter(([content]) => content?.trim())
      .map(([textContent, origin, joint], place) => [
        place ? joint : "",
        make("span", { className: `tipo-${origin}`, textContent }),
      ])
      .flat();
    this.text.replaceChildren(...shown);
    this.text.scrollTop = this.text.scrollHeight;
  }
}
