// Labels the text boxes of several lines, whose placeholder vanishes with the first letter. The label
// lies inside the box, above the text, as in newer front ends' Nodes 2.0, which has its own.
import { app } from "../../scripts/app.js";
import { isOurs } from "./graph_nodes.js";

const LABEL_HEIGHT = 16;
// A new node opens at its smallest size, where a box shows one line: room for four more.
const ROOM = 60 + LABEL_HEIGHT;

const widgets = new WeakMap();
const passes = [];
let isWaiting = false;

// Returns the widget of one of the pack's text boxes, or undefined.
export function widgetOf(box) {
  return widgets.get(box);
}

// Calls `pass(node, element)` for the pack's nodes after the front end mounted something. In Nodes 2.0
// `element` is that of the node.
export function afterMounting(pass) {
  passes.push(pass);
}

export function refreshNodes() {
  if (isWaiting) return;
  isWaiting = true;
  requestAnimationFrame(() => {
    isWaiting = false;
    for (const node of (app.canvas?.graph?.nodes ?? []).filter(isOurs)) {
      const element =
        LiteGraph.vueNodesMode && document.querySelector(`[data-node-id="${node.id}"]`);
      for (const pass of passes) pass(node, element);
    }
  });
}

const textWidgets = (node) =>
  (node.widgets ?? []).filter(({ type, element }) => type === "customtext" && element);

function addLabel(box, text) {
  const label = document.createElement("span");
  label.className = "tipo-label";
  label.textContent = text;
  // With a background: scrolled text does not run through it.
  label.style.cssText = `position: absolute; inset: 1px 1px auto; padding: 0 6px; border-radius: 4px;
    width: auto; height: ${LABEL_HEIGHT}px; font: 10px/${LABEL_HEIGHT}px sans-serif; color: var(--descrip-text, #999);
    background: ${getComputedStyle(box).backgroundColor}; pointer-events: none`;
  box.style.paddingTop = `${LABEL_HEIGHT + 2}px`;
  box.ariaLabel ??= text;
  box.placeholder = "";
  box.parentElement.append(label);
}

afterMounting((node, element) => {
  for (const widget of textWidgets(node)) {
    const { name, label = name } = widget;
    const box = element
      ? [...element.querySelectorAll("textarea")].find(
          (one) => one.ariaLabel === name || one.labels[0]?.textContent.trim() === label,
        )
      : widget.element;
    if (!box?.parentElement) continue;
    widgets.set(box, widget);
    if (!box.labels.length && !box.parentElement.querySelector(".tipo-label")) addLabel(box, label);
  }
});

// Nodes 2.0 of front end 1.32.9 keeps the boxes of a node when another one with its id replaces it, as
// an undo does.
afterMounting(({ tipoTextBox, tipoResult }, element) => {
  const own = (tipoTextBox ?? tipoResult?.box)?.element;
  const shown = element?.querySelector?.(".tipo-report, .tipo-result");
  if (own && shown && own !== shown) shown.replaceWith(own);
});

app.registerExtension({
  name: "tiposuite.TextBoxes",
  // The canvas shares the room out equally among the boxes. A saved size replaces this one.
  nodeCreated(node) {
    refreshNodes();
    const count = isOurs(node) && textWidgets(node).filter((one) => node.isWidgetVisible(one)).length;
    if (!count) return;
    const [width, height] = node.computeSize();
    node.setSize([Math.max(node.size[0], width), Math.max(node.size[1], height + count * ROOM)]);
  },
  setup() {
    new MutationObserver((records) => {
      if (records.some(({ addedNodes }) => addedNodes.length)) refreshNodes();
    }).observe(document.body, { childList: true, subtree: true });
  },
});
