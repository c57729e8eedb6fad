// Replaces %Node.input% and %date:...% in the file names of Save Image (Compressed) when the graph is
// queued, as core does in its own save nodes. The server replaces what comes without a page, and the
// values that the page does not know: those of linked inputs and of a sweep, whose widgets are not
// used. It also gets dates with letters that are no part of one, which its report names.
import { app } from "../../scripts/app.js";

const NODE = "TipoSaveImage";

const PATTERN = /%([^%]+)%/g;

const SWEEP = "TipoSweep";
// As in core: yyy and a single y are no part of a date.
const DATE_PARTS = /dd?|MM?|hh?|mm?|ss?|yyyy|yy(?!y)/g;

function isUnreadDate(pattern) {
  return pattern.startsWith("date:") && /[A-Za-z]/.test(pattern.slice(5).replace(DATE_PARTS, ""));
}

function isLeftToServer(pattern) {
  const [name, input, ...rest] = pattern.split(".");
  if (!input || rest.length) return false;
  const nodes = (app.rootGraph ?? app.graph).nodes ?? [];
  const node =
    nodes.find((one) => one.properties?.["Node name for S&R"] === name) ??
    nodes.find((one) => one.title === name);
  if (node?.comfyClass === SWEEP) return true;
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
        isUnreadDate(pattern) || isLeftToServer(pattern) ? whole : replace(app, whole),
      );
    };
  },
});
