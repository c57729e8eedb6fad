// Greys the sampling inputs of TIPO Expand while the linked TIPO Sampling Options overrides them, and
// says so in their tooltips.
import { app } from "../../scripts/app.js";
import { after } from "./graph_nodes.js";
import { afterMounting, refreshNodes } from "./text_boxes.js";
import { words } from "./words.js";

const OVERRIDDEN = ["temperature", "top_p", "min_p", "top_k"];
// Modes of a node that does not run: muted, bypassed.
const SILENT = [2, 4];

function hasOptions(node) {
  const slot = node.inputs.findIndex(({ name }) => name === "options");
  return node.inputs[slot]?.link != null && !SILENT.includes(node.getInputNode(slot)?.mode);
}

function rowOf({ name, label = name }, element) {
  const isLabel = (one) => !one.children.length && one.textContent.trim() === label;
  return [...element.querySelectorAll(".lg-node-widget")].find((row) =>
    [...row.querySelectorAll("*")].some(isLabel),
  );
}

function update(node, element) {
  if (node.comfyClass !== "TipoExpand") return;
  const unused = words("overridden");
  for (const widget of node.widgets.filter(({ name }) => OVERRIDDEN.includes(name))) {
    const isUnused = hasOptions(node);
    if (Boolean(widget.disabled) !== isUnused) {
      widget.disabled = isUnused;
      widget.tooltip = isUnused ? unused : undefined;
    }
    // Nodes 2.0 of older front ends shows neither of the two.
    const row = element && rowOf(widget, element);
    if (!row) continue;
    row.style.opacity = isUnused ? 0.5 : "";
    row.title = isUnused ? unused : "";
  }
}

afterMounting(update);

app.registerExtension({
  name: "tiposuite.OverriddenInputs",
  beforeRegisterNodeDef(nodeType, { name }) {
    if (name !== "TipoExpand") return;
    after(nodeType, "onConnectionsChange", refreshNodes);
    // Muting the other node changes nothing of this one.
    after(nodeType, "onDrawForeground", function () {
      update(this);
    });
  },
  afterConfigureGraph: refreshNodes,
});
