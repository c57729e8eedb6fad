// The box of a result: buttons, tabs of variants, the text by its writers, and the notes. The text
// scrolls inside a fixed height, so that nothing moves while it is written.
import { notesOf } from "./notes.js";
import { words } from "./words.js";

function make(tag, values, ...children) {
  const element = Object.assign(document.createElement(tag), values);
  element.append(...children);
  return element;
}

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
    this.tabs = make("div", { className: "tipo-bar" });
    this.tabs.setAttribute("role", "tablist");
    this.tabs.addEventListener("keydown", (event) => roving(event, "button"));
    this.text = make("div", { className: "tipo-text", tabIndex: 0 });
    this.text.addEventListener("keydown", (event) => roving(event, ".tipo-tag"));
    this.status = make("span", { className: "tipo-status" });
    this.status.setAttribute("role", "status");
    this.element = make("div", { className: "tipo-result widget-expands" });
    this.element.append(this.bar, this.tabs, this.text, this.status);
    // The canvas would take keys (Delete removes the node) and drags of the selection.
    this.element.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.closeMenu();
      if (!event.ctrlKey && !event.metaKey) event.stopPropagation();
    });
    this.element.addEventListener("pointerdown", (event) => {
      event.stopPropagation();
      if (!this.menu?.contains(event.target)) this.closeMenu();
    });
  }

  say(text) {
    this.status.textContent = text;
  }

  show({ results = [], pinned = false, before, marks = {} }) {
    const text = words();
    this.closeMenu();
    const refocus = this.focused();
    this.tab = Math.min(this.tab, Math.max(0, results.length - 1));
    const result = results[this.tab];
    const seed = typeof result?.seed === "number";
    const button = (name, tip, enabled, label = text(name)) => {
      const values = { textContent: label, title: tip, disabled: !enabled };
      const made = make("button", { ...values, onclick: () => this.act(name, result) });
      made.dataset.action = name;
      return made;
    };
    const pin = button("pin", pinned ? text("unpinTip") : text("pinTip"), result);
    pin.textContent = pinned ? text("pinned") : text("pin");
    pin.setAttribute("aria-pressed", pinned);
    this.bar.replaceChildren(
      button("copy", "", result),
      pin,
      ...(results.length > 1 ? [button("use", text("useTip"), true)] : []),
      button("back", text("backTip"), result),
      make("span", { className: "tipo-seed", textContent: text("seed") }),
      button("keep", text("keepTip"), seed),
      button("next", text("nextTip"), seed),
      button("last", text("lastTip"), typeof before === "number"),
    );
    this.showTabs(results.length, text, () => this.show({ results, pinned, before, marks }));
    this.element.dataset.pinned = pinned;
    if (!result) {
      this.text.replaceChildren(make("span", { className: "tipo-notes", textContent: text("empty") }));
      return;
    }
    const spans = result.spans?.length ? result.spans : [{ text: result.prompt, origin: "user" }];
    const notes = notesOf(result, text).map((note) => make("div", { textContent: note }));
    let stop = 0;
    const parts = spans.map((span) => {
      const part = make("span", { textContent: span.text, className: `tipo-${span.origin}` });
      if (span.origin !== "tag") return part;
      part.setAttribute("role", "button");
      Object.assign(part, { title: text("tagTip"), tabIndex: stop });
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

  showTabs(count, text, again) {
    this.tabs.setAttribute("aria-label", text("variants"));
    const made = Array.from({ length: count > 1 ? count : 0 }, (_, place) => {
      const tab = make("button", { textContent: `#${place + 1}` });
      tab.setAttribute("role", "tab");
      tab.setAttribute("aria-selected", place === this.tab);
      tab.tabIndex = place === this.tab ? 0 : -1;
      tab.onclick = () => {
        this.tab = place;
        again();
        this.tabs.children[place].focus();
      };
      return tab;
    });
    this.tabs.replaceChildren(...made);
  }

  openMenu(part, span, result) {
    this.closeMenu();
    const text = words();
    const item = (name, label) =>
      make("button", { textContent: label, onclick: () => this.act(name, result, span) });
    this.menu = make("div", { className: "tipo-menu" }, item("ban", text("ban")), item("own", text("own")));
    this.menu.setAttribute("role", "group");
    this.menu.setAttribute("aria-label", span.tag);
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
