// A menu entry that converts the nodes of z-tipo-extension and DanTagGen in the open workflow. The
// server does the work (nodes/other_packs/routes.py).
import { app } from "../../scripts/app.js";
import { api } from "../../scripts/api.js";
import { rootGraph } from "./graph_nodes.js";
import { words } from "./words.js";

function tell(severity, detail) {
  const life = severity === "info" ? 8000 : undefined;
  app.extensionManager.toast.add({ severity, summary: words("migrate"), detail, life });
}

async function replaceNodes() {
  const body = JSON.stringify(rootGraph().serialize());
  const reply = await api.fetchApi("/tipo/migrate", { method: "POST", body });
  const { workflow, replaced, notes, error } = await reply.json();
  if (error) return tell("error", error);
  const { changeTracker: tracker } = app.extensionManager.workflow.activeWorkflow;
  if (replaced) {
    // The second name is that of older front ends.
    (tracker.captureCanvasState ?? tracker.checkState).call(tracker);
    // As a step of undo: loads the workflow and keeps the one before.
    await tracker.updateState([workflow], tracker.undoQueue);
    tracker.redoQueue.length = 0;
  }
  const lines = notes.map(([text]) => text);
  const head = replaced || lines.length ? words("replaced", replaced) : words("noneReplaced");
  tell(notes.some(([, isLost]) => isLost) ? "warn" : "info", [head, ...lines].join("\n"));
}

app.registerExtension({
  name: "tiposuite.Migrate",
  // locales/zh translates the label.
  commands: [{ id: "tipo.migrate", label: "Replace z-tipo nodes", function: replaceNodes }],
  menuCommands: [{ path: ["Edit"], commands: ["tipo.migrate"] }],
});
