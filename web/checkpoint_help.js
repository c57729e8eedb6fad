// Says what to do where the server refuses a graph because its checkpoint is missing. ComfyUI says
// "Value not in list: ckpt_name: 'toy-sd.safetensors' not in []", which helps no beginner; its own
// message stays as it is.
import { app } from "../../scripts/app.js";
import { api } from "../../scripts/api.js";
import { hasOurs } from "./graph_nodes.js";
import { words } from "./words.js";

const INPUT = "ckpt_name";
const SECONDS = 20;

// The choices of the menu whose value was refused; undefined if no checkpoint was.
function checkpoints(nodeErrors) {
  const errors = Object.values(nodeErrors ?? {}).flatMap((node) => node.errors ?? []);
  const error = errors.find(
    ({ type, extra_info }) => type === "value_not_in_list" && extra_info?.input_name === INPUT,
  );
  const [kind, options] = error?.extra_info.input_config ?? [];
  return error && (Array.isArray(kind) ? kind : (options?.options ?? []));
}

function showHelp() {
  const found = checkpoints(app.lastNodeErrors);
  if (!found || !hasOurs()) return;
  app.extensionManager.toast.add({
    severity: "info",
    summary: words("checkpointTitle"),
    detail: words(found.length ? "otherCheckpoint" : "noCheckpoint"),
    life: 1000 * SECONDS,
  });
}

app.registerExtension({
  name: "tiposuite.CheckpointHelp",
  setup() {
    api.addEventListener("promptQueued", showHelp);
  },
});
