// Shows the text of a run (`ui.text`) on the node: the expanded prompt, or the node's report. The
// box is not an input: it is neither saved in the workflow nor sent with the prompt, so the saved
// values of the node's own widgets keep their order. A DOM widget works in both renderers.
import { app } from "../../scripts/app.js";

const BOX_HEIGHT = 96;
// Of the classic canvas, on each side between a widget and its element.
const MARGIN = 10;
// A new node opens at its smallest size, where a prompt box shows one line: room for four more.
const ROOM = 60;

function addTextBox(node, maxHeight) {
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
    getMaxHeight: () => maxHeight,
  });
  widget.serialize = false;
  return widget;
}

// The canvas shares the room out equally among the boxes that may grow. A saved size replaces this.
function addRoom(node, reportMayGrow) {
  const prompts = node.widgets.filter((widget) => widget.type === "customtext").length;
  const each = prompts ? ROOM : 2 * MARGIN;
  const room = each * (prompts + (reportMayGrow ? 1 : 0));
  const [width, height] = node.computeSize();
  node.setSize([Math.max(node.size[0], width), Math.max(node.size[1], height + room)]);
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
      // TIPO Expand shows its text with the buttons of expand/result_widget.js.
      if (!this.tipoResult) {
        this.tipoTextBox = addTextBox(this, showsPicture ? BOX_HEIGHT : undefined);
      }
      addRoom(this, !showsPicture);
    };
    nodeType.prototype.onExecuted = function (output) {
      onExecuted?.call(this, output);
      if (output?.text && this.tipoTextBox) this.tipoTextBox.value = output.text.join("\n\n");
    };
  },
});
