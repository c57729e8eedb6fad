// Shows the text of a run (`ui.text`) on the node: the expanded prompt, or the node's report. The
// box is not an input: it is neither saved in the workflow nor sent with the prompt, so the saved
// values of the node's own widgets keep their order. A DOM widget works in both renderers.
import { app } from "../../scripts/app.js";

const BOX_HEIGHT = 96;

function addTextBox(node, maxHeight) {
  const box = document.createElement("textarea");
  // The Nodes 2.0 renderer of older front ends lets only elements of this class grow.
  box.className = "comfy-multiline-input widget-expands";
  box.readOnly = true;
  box.placeholder = "...";
  // The Nodes 2.0 renderer does not size the elements of other packs.
  Object.assign(box.style, { width: "100%", height: "100%", minHeight: `${BOX_HEIGHT}px` });
  // As in ComfyUI's own text boxes, the wheel zooms the canvas unless the text can be scrolled.
  box.addEventListener("wheel", (event) => {
    if (event.ctrlKey || box.scrollHeight <= box.clientHeight) {
      event.preventDefault();
      app.canvas.processMouseWheel(event);
    }
  });
  const widget = node.addDOMWidget("tipo_shown_text", "tipo_shown_text", box, {
    serialize: false,
    getValue: () => box.value,
    setValue: (text) => {
      box.value = text ?? "";
    },
    getMinHeight: () => BOX_HEIGHT,
    getMaxHeight: () => maxHeight,
  });
  widget.serialize = false;
  return widget;
}

app.registerExtension({
  name: "tiposuite.ShownText",
  beforeRegisterNodeDef(nodeType, nodeDef) {
    if (!nodeDef.name.startsWith("Tipo") || !nodeDef.output?.includes("STRING")) return;

    // On a node that also shows a picture, the picture gets the remaining height.
    const showsPicture = nodeDef.output_node && nodeDef.output.includes("IMAGE");
    const { onNodeCreated, onExecuted } = nodeType.prototype;
    nodeType.prototype.onNodeCreated = function (...args) {
      onNodeCreated?.apply(this, args);
      this.tipoTextBox = addTextBox(this, showsPicture ? BOX_HEIGHT : undefined);
    };
    nodeType.prototype.onExecuted = function (output) {
      onExecuted?.call(this, output);
      if (output?.text && this.tipoTextBox) this.tipoTextBox.value = output.text.join("\n\n");
    };
  },
});
