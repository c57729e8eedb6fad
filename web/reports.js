// Shows the text of a run (`ui.text`) as one quiet line of the node, which opens on a click or a key.
// There is none before the first run. A report starts closed, a text that is the node's result open.
// The line shows the first warning (tipo_core/report_lines.py). The widget is neither saved nor sent;
// whether it is open is a property of the node, which workflows save.
import { app } from "../../scripts/app.js";

const LINE_HEIGHT = 20;
const MOST_HEIGHT = 180;
const ROW_HEIGHT = 15;
// Letters in a row, about.
const ROW_LETTERS = 55;
// The canvas adds this to each widget.
const GAP = 4;
const IS_OPEN = "tipo_report_open";
const WARNING = "warning: ";

function heightOf(text) {
  const rows = text.split("\n").map(({ length }) => Math.ceil(length / ROW_LETTERS) || 1);
  return Math.min(MOST_HEIGHT, ROW_HEIGHT * rows.reduce((sum, one) => sum + one, 1));
}

function addReport(node, isResult) {
  const [details, line, box] = ["details", "summary", "textarea"].map((tag) =>
    document.createElement(tag),
  );
  details.className = "tipo-report";
  line.style.cssText = `font: 11px/${LINE_HEIGHT}px sans-serif; white-space: nowrap; overflow: hidden;
    text-overflow: ellipsis; cursor: pointer`;
  box.className = "comfy-multiline-input";
  box.readOnly = true;
  details.append(line, box);

  const isOpen = () => node.properties[IS_OPEN] ?? isResult;
  const height = () => LINE_HEIGHT + (isOpen() ? heightOf(box.value) : 0);
  function draw() {
    const lines = box.value.split("\n").filter(Boolean);
    const warnings = lines.filter((one) => one.startsWith(WARNING));
    const count = warnings.length > 1 ? `${warnings.length}: ` : "";
    line.title = warnings.join("\n") || lines[0];
    line.textContent = warnings.length
      ? `\u26a0 ${count}${warnings[0].slice(WARNING.length)}`
      : lines[0];
    line.style.color = warnings.length ? "#e08a00" : "var(--descrip-text, #999)";
    details.style.cssText = `padding: 0 10px; ${box.value ? "" : "display: none"}`;
    details.open = isOpen();
    box.style.cssText = `width: 100%; height: ${heightOf(box.value)}px; resize: none`;
    node.setDirtyCanvas(true, true);
  }
  // The text boxes and the picture of the node keep their heights.
  line.onclick = (event) => {
    event.preventDefault();
    const before = height();
    node.properties[IS_OPEN] = !isOpen();
    draw();
    node.setSize([node.size[0], node.size[1] + height() - before]);
  };
  // Keys on the line are no shortcuts of the canvas.
  line.onkeydown = (event) => event.stopPropagation();
  // As in ComfyUI's own text boxes, the wheel zooms the canvas unless the text can be scrolled.
  details.onwheel = (event) => {
    if (event.ctrlKey || event.target !== box || box.scrollHeight <= box.clientHeight) {
      event.preventDefault();
      app.canvas.processMouseWheel(event);
    }
  };

  const widget = node.addDOMWidget("tipo_shown_text", "tipo_shown_text", details, {
    serialize: false,
    margin: 0,
    hideOnZoom: false,
    getValue: () => box.value,
    setValue: (text) => {
      box.value = text ?? "";
      draw();
      const [, least] = node.computeSize();
      if (node.size[1] < least) node.setSize([node.size[0], least]);
    },
  });
  widget.serialize = false;
  // A fixed height: the free room of a node belongs to its text boxes and its picture.
  widget.computeSize = () => [0, box.value ? height() : -GAP];
  widget.computeLayoutSize = undefined;
  draw();
  return widget;
}

app.registerExtension({
  name: "tiposuite.Reports",
  beforeRegisterNodeDef(nodeType, { name, output, output_name }) {
    // TIPO Expand has a display of its own.
    if (!name.startsWith("Tipo") || name === "TipoExpand" || !output?.includes("STRING")) return;
    const { onNodeCreated, onExecuted, onConfigure } = nodeType.prototype;
    nodeType.prototype.onNodeCreated = function (...args) {
      onNodeCreated?.apply(this, args);
      // The text of TIPO Format begins with its prompt.
      const isResult = name === "TipoFormat" || !output_name.includes("report");
      this.tipoTextBox = addReport(this, isResult);
    };
    // The saved properties say whether the line is open.
    nodeType.prototype.onConfigure = function (...args) {
      onConfigure?.apply(this, args);
      this.tipoTextBox.value = this.tipoTextBox.value;
    };
    nodeType.prototype.onExecuted = function (output) {
      onExecuted?.call(this, output);
      if (output?.text) this.tipoTextBox.value = output.text.join("\n\n");
    };
  },
});
