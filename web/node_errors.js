// Shows the errors of a graph that the server accepted in part. Nodes of this pack are output nodes
// where the host offers no other way to show text, so a graph with a wrong checkpoint still has
// valid branches: the server answers 200, runs those and puts the errors into `node_errors`. Older
// front ends then only mark the inputs red and report a completed job.
import { app } from "../../scripts/app.js";
import { api } from "../../scripts/api.js";
import { allNodes, hasOurs } from "./graph_nodes.js";
import { words } from "./words.js";

// Newer front ends open this panel for such an answer, within PANEL_MILLISECONDS.
const OWN_PANEL = '[data-testid="error-overlay"]';
const PANEL_MILLISECONDS = 300;

function describe(nodeErrors, titles) {
  const lines = [];
  for (const [id, { class_type, errors }] of Object.entries(nodeErrors)) {
    lines.push(`${titles.get(id) ?? class_type} (${class_type}, #${id}):`);
    // The server reports a failed check of a node once per input of the check.
    const told = new Set();
    for (const { message, details } of errors ?? []) {
      const cause = `${message} ${details?.split(" - ").slice(1).join(" - ") || details}`;
      if (told.has(cause)) continue;
      told.add(cause);
      lines.push(details ? `- ${message}: ${details}` : `- ${message}`);
    }
  }
  return lines.join("\n");
}

function show(errors) {
  const title = words("partTitle");
  const text = `${words("partNodes")}\n${errors}`;
  const { dialog, toast } = app.extensionManager;
  if (dialog?.showErrorDialog) {
    dialog.showErrorDialog(text, { title, reportType: "promptExecutionError" });
  } else {
    toast.add({ severity: "error", summary: title, detail: text });
  }
}

// The event follows the front end's handling of the answer. For a rejected graph the front end's
// own dialog is open by then, and a second dialog of this kind would have the same key.
async function showNodeErrors() {
  const nodeErrors = app.lastNodeErrors;
  if (!nodeErrors || Object.keys(nodeErrors).length === 0) return;
  if (!hasOurs()) return;
  await new Promise((resolve) => setTimeout(resolve, PANEL_MILLISECONDS));
  if (document.querySelector(OWN_PANEL)) return;
  show(describe(nodeErrors, new Map([...allNodes()].map(([id, node]) => [id, node.title]))));
}

app.registerExtension({
  name: "tiposuite.NodeErrors",
  setup() {
    api.addEventListener("promptQueued", showNodeErrors);
  },
});
