// Shows on the node what a run put into `ui.text`: the expanded prompt, or the node's report.
// The box is no input: it is neither saved in the workflow nor sent with the prompt, so the saved
// values of the node's own widgets keep their places. A DOM widget works in both renderers.
import { app } from "../../scripts/app.js";

const BOX_HEIGHT = 96;

function addTextBox(node, maxHeight) {
  const box = document.createElement("textarea");
  // The Nodes 2.0 renderer of older front ends gives room to grow to elements of this class alone.
  box.className = "comfy-multiline-input widget-expands";
  box.readOnly = true;
  box.placeholder = "...";
  // The Nodes 2.0 renderer leaves the size of a foreign element to the element.
  Object.assign(box.style, { width: "100%", height: "100%", minHeight: `${BOX_HEIGHT}px` });
  // As on ComfyUI's own text boxes: the wheel zooms the canvas unless there is text to scroll.
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

    // Where the node shows a picture as well, the picture gets the room.
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
