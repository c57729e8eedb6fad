// Replaces %Node.input% and %date:...% in the file names of Save Image (Compressed) when the graph is
// queued, as core does in its own save nodes. The server replaces what comes without a page, and the
// values of linked inputs, which the page does not know.
import { app } from "../../scripts/app.js";

const NODE = "TipoSaveImage";

const PATTERN = /%([^%]+)%/g;

function isLinked(pattern) {
  const [name, input, ...rest] = pattern.split(".");
  if (!input || rest.length) return false;
  const nodes = (app.rootGraph ?? app.graph).nodes ?? [];
  const node =
    nodes.find((one) => one.properties?.["Node name for S&R"] === name) ??
    nodes.find((one) => one.title === name);
  return Boolean(node?.inputs?.some((one) => one.name === input && one.link != null));
}

app.registerExtension({
  name: "tiposuite.FileNames",
  nodeCreated(node) {
    if (node.comfyClass !== NODE) return;
    const widget = node.widgets?.find((one) => one.name === "filename_prefix");
    if (!widget) return;
    widget.serializeValue = () => {
      const { value } = widget;
      const replace = window.comfyAPI?.utils?.applyTextReplacements;
      if (!replace || typeof value !== "string") return value;
      return value.replace(PATTERN, (whole, pattern) =>
        isLinked(pattern) ? whole : replace(app, whole),
      );
    };
  },
});
