// On the classic canvas, folds the advanced inputs and adds a button that shows them; and greys the
// sampling inputs of TIPO Expand that the linked TIPO Sampling Options overrides. Nodes 2.0 folds
// inputs itself. Hosts without advanced inputs have nothing to fold.
import { app } from "../../scripts/app.js";
import { isOurs } from "./graph_nodes.js";
import { afterMounting, refreshNodes } from "./text_boxes.js";

const OVERRIDDEN = ["temperature", "top_p", "min_p", "top_k"];
// Modes of a node that does not run: muted, bypassed.
const SILENT = [2, 4];
const WORDS = {
  en: [
    "Show advanced inputs",
    "Hide advanced inputs",
    "Not used: TIPO Sampling Options is linked, and its value is used instead.",
  ],
  zh: ["显示高级输入", "隐藏高级输入", "未使用：已连接“TIPO 采样选项”，使用那里的值。"],
};

const setting = (id) => app.extensionManager.setting.get(id);
const words = () => WORDS[setting("Comfy.Locale")] ?? WORDS.en;

function fold(node) {
  const folded = (node.widgets ?? []).filter((widget) => widget.options?.advanced);
  if (!folded.length || setting("Comfy.Node.AlwaysShowAdvancedWidgets")) return;
  const resize = (change) => {
    const [, before] = node.computeSize();
    change();
    const [, after] = node.computeSize();
    node.setSize([node.size[0], Math.max(after, node.size[1] + after - before)]);
    node.setDirtyCanvas(true, true);
  };
  resize(() => folded.forEach((widget) => (widget.advanced = true)));
  const toggle = () => resize(() => (node.showAdvanced = !node.showAdvanced));
  const options = { serialize: false, canvasOnly: true };
  node.addWidget("button", "tipo_advanced", null, toggle, options).serialize = false;
}

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
  const [shows, hides, unused] = words();
  for (const widget of node.widgets ?? []) {
    // The node's menu folds them as well.
    if (widget.name === "tipo_advanced") widget.label = node.showAdvanced ? hides : shows;
    if (node.comfyClass !== "TipoExpand" || !OVERRIDDEN.includes(widget.name)) continue;
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
  name: "tiposuite.AdvancedInputs",
  beforeRegisterNodeDef(nodeType) {
    if (!isOurs(nodeType)) return;
    const { onNodeCreated, onConnectionsChange, onDrawForeground } = nodeType.prototype;
    nodeType.prototype.onNodeCreated = function (...args) {
      onNodeCreated?.apply(this, args);
      fold(this);
    };
    nodeType.prototype.onConnectionsChange = function (...args) {
      onConnectionsChange?.apply(this, args);
      refreshNodes();
    };
    // Muting the other node changes nothing of this one.
    nodeType.prototype.onDrawForeground = function (...args) {
      onDrawForeground?.apply(this, args);
      update(this);
    };
  },
  afterConfigureGraph: refreshNodes,
});
