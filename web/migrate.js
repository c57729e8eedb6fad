// A menu entry that converts the nodes of z-tipo-extension and DanTagGen in the open workflow. The
// server does the work (nodes/other_packs/routes.py).
import { app } from "../../scripts/app.js";
import { api } from "../../scripts/api.js";
import { rootGraph } from "./graph_nodes.js";

const WORDS = {
  en: ["Replace z-tipo nodes", "Replaced nodes:", "There is no node of z-tipo or DanTagGen."],
  zh: ["替换 z-tipo 节点", "已替换的节点：", "没有 z-tipo 或 DanTagGen 的节点。"],
};
const words = () => WORDS[app.extensionManager?.setting?.get("Comfy.Locale")] ?? WORDS.en;

function tell(severity, detail) {
  const life = severity === "info" ? 8000 : undefined;
  app.extensionManager.toast.add({ severity, summary: words()[0], detail, life });
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
  const head = replaced || lines.length ? `${words()[1]} ${replaced}` : words()[2];
  tell(notes.some(([, isLost]) => isLost) ? "warn" : "info", [head, ...lines].join("\n"));
}

app.registerExtension({
  name: "tiposuite.Migrate",
  // The label is translated by locales/zh: the settings are not loaded yet.
  commands: [{ id: "tipo.migrate", label: WORDS.en[0], function: replaceNodes }],
  menuCommands: [{ path: ["Edit"], commands: ["tipo.migrate"] }],
});
