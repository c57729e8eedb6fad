// Replaces %Node.input% and %date:...% in the file names of Save Image (Compressed) when the graph is
// queued, as core does in its own save nodes. The server replaces what comes without a page.
import { app } from "../../scripts/app.js";

const NODE = "TipoSaveImage";

app.registerExtension({
  name: "tiposuite.FileNames",
  nodeCreated(node) {
    if (node.comfyClass !== NODE) return;
    const widget = node.widgets?.find((one) => one.name === "filename_prefix");
    if (!widget) return;
    widget.serializeValue = () => {
      const { value } = widget;
      const replace = window.comfyAPI?.utils?.applyTextReplacements;
      return replace && typeof value === "string" ? replace(app, value) : value;
    };
  },
});
