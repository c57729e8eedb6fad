// Says what to do where the server refuses a graph because its checkpoint is missing. ComfyUI says
// "Value not in list: ckpt_name: 'toy-sd.safetensors' not in []", which helps no beginner; its own
// message stays as it is.
import { app } from "../../scripts/app.js";
import { api } from "../../scripts/api.js";
import { allNodes, isOurs } from "./graph_nodes.js";

const INPUT = "ckpt_name";
const SECONDS = 20;

// The front end has no translations for the scripts of packs.
const WORDS = {
  en: {
    title: "Choose your checkpoint",
    none: "ComfyUI has no checkpoint yet. Put one (.safetensors, for example an SDXL model) into its folder models/checkpoints, press R, and choose it in Load Checkpoint.",
    some: "Load Checkpoint names a file that is not here. Choose one of yours there, and its size in Empty Latent Image: 512 for SD1.5, 1024 for SDXL.",
  },
  zh: {
    title: "请选择检查点",
    none: "ComfyUI 还没有检查点。请把一个检查点（.safetensors，例如 SDXL 模型）放入 models/checkpoints 文件夹，按 R 键，然后在 Load Checkpoint（检查点加载器）中选择它。",
    some: "Load Checkpoint（检查点加载器）中的文件不存在。请选择您的检查点，并在 Empty Latent Image（空 Latent 图像）中设置尺寸：SD1.5 为 512，SDXL 为 1024。",
  },
};

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
  if (!found || ![...allNodes()].some(([, node]) => isOurs(node))) return;
  const words = WORDS[app.extensionManager.setting.get("Comfy.Locale")] ?? WORDS.en;
  app.extensionManager.toast.add({
    severity: "info",
    summary: words.title,
    detail: found.length ? words.some : words.none,
    life: 1000 * SECONDS,
  });
}

app.registerExtension({
  name: "tiposuite.CheckpointHelp",
  setup() {
    api.addEventListener("promptQueued", showHelp);
  },
});
