// Shows the models of Load TIPO Model with size, licence and whether they have to be downloaded.
// The value of the widget, which workflows save, stays the plain name.
import { app } from "../../scripts/app.js";
import { api } from "../../scripts/api.js";
import { after } from "./graph_nodes.js";

const NODE = "TipoLoadModel";
let labels = {};

function readLabels(nodeDef) {
  labels = nodeDef?.input?.required?.model?.[1]?.labels ?? {};
}

app.registerExtension({
  name: "tiposuite.ModelLabels",
  beforeRegisterNodeDef(nodeType, nodeDef) {
    if (nodeDef.name !== NODE) return;
    readLabels(nodeDef);

    // The run may have downloaded a model: read the labels again.
    after(nodeType, "onExecuted", async function () {
      const answer = await api.fetchApi(`/object_info/${NODE}`);
      if (answer.ok) readLabels((await answer.json())[NODE]);
      this.setDirtyCanvas(true, true);
    });
  },
  nodeCreated(node) {
    if (node.comfyClass !== NODE) return;
    const widget = node.widgets?.find((one) => one.name === "model");
    if (widget) widget.options.getOptionLabel = (name) => labels[name] ?? name ?? "";
  },
  // Key R: the user may have added a model file.
  refreshComboInNodes(nodeDefs) {
    readLabels(nodeDefs[NODE]);
  },
});
