// Shows the expanded prompt (`ui.text`) on TIPO Expand; reports.js shows the other nodes' texts. The
// box is not an input: it is neither saved in the workflow nor sent with the prompt, so the saved
// values of the node's own widgets keep their order. A DOM widget works in both renderers.
import { app } from "../../scripts/app.js";

const BOX_HEIGHT = 96;
// Of the classic canvas, on each side between a widget and its element.
const MARGIN = 10;
function addTextBox(node) {
  const box = document.createElement("textarea");
  // The Nodes 2.0 renderer of older front ends lets only elements of this class grow.
  box.className = "comfy-multiline-input widget-expands";
  box.readOnly = true;
  box.placeholder = "...";
  // The Nodes 2.0 renderer does not size the elements of other packs. On the classic canvas a
  // higher minimum would hang over the node.
  const minHeight = `${BOX_HEIGHT - 2 * MARGIN}px`;
  Object.assign(box.style, { width: "100%", height: "100%", minHeight });
  // As in ComfyUI's own text boxes, the wheel zooms the canvas unless the text can be scrolled.
  box.addEventListener("wheel", (event) => {
    if (event.ctrlKey || box.scrollHeight <= box.clientHeight) {
      event.preventDefault();
      app.canvas.processMouseWheel(event);
    }
  });
  const widget = node.addDOMWidget("tipo_shown_text", "tipo_shown_text", box, {
    serialize: false,
    margin: MARGIN,
    getValue: () => box.value,
    setValue: (text) => {
      box.value = text ?? "";
    },
    getMinHeight: () => BOX_HEIGHT,
  });
  widget.serialize = false;
  return widget;
}

app.registerExtension({
  name: "tiposuite.ShownText",
  beforeRegisterNodeDef(nodeType, nodeDef) {
    if (nodeDef.name !== "TipoExpand") return;

    const { onNodeCreated, onExecuted } = nodeType.prototype;
    nodeType.prototype.onNodeCreated = function (...args) {
      onNodeCreated?.apply(this, args);
      this.tipoTextBox = addTextBox(this);
    };
    nodeType.prototype.onExecuted = function (output) {
      onExecuted?.call(this, output);
      if (output?.text && this.tipoTextBox) this.tipoTextBox.value = output.text.join("\n\n");
    };
  },
});
