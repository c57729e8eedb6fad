// Fills the text boxes of nodes whose results came from the server's cache. The server sends `ui`
// again for cached output nodes only: the other boxes would stay empty in a new tab, and would show
// another run's text after a value was changed and changed back. The text comes from the history of
// the run that executed the same node with the same inputs, including those of all nodes before it.
import { app } from "../../scripts/app.js";
import { api } from "../../scripts/api.js";
import { allNodes, isOurs, rootGraph } from "./graph_nodes.js";

const RUNS_READ = 32;

const numbers = new Map();
// Times of the last execution of each node, counted in messages of the server.
let clock = 0;
const executedAt = new Map();
const texts = new Map();
const started = new Set();

const showsText = (node) => Boolean(node.tipoTextBox ?? node.tipoResult);

// Returns the same number for nodes with the same types and inputs. A link counts as the number of
// its source node, so ids do not matter.
function signature(graph, id, known) {
  if (!known.has(id)) {
    const { class_type, inputs } = graph[id];
    const values = Object.keys(inputs)
      .sort()
      .map((name) => {
        const value = inputs[name];
        const isLink = Array.isArray(value) && value.length === 2 && Object.hasOwn(graph, value[0]);
        return [name, isLink ? [signature(graph, String(value[0]), known), value[1]] : value];
      });
    const text = JSON.stringify([class_type, values]);
    if (!numbers.has(text)) numbers.set(text, numbers.size);
    known.set(id, numbers.get(text));
  }
  return known.get(id);
}

// In the history a prompt is [number, id, graph, extra data, ids of the output nodes].
function rememberTexts({ prompt: [, , graph], outputs }) {
  const known = new Map();
  for (const [id, output] of Object.entries(outputs ?? {})) {
    if (output?.text && Object.hasOwn(graph, id)) texts.set(signature(graph, id, known), output);
  }
}

async function readHistory(path) {
  const answer = await api.fetchApi(path);
  return answer.ok ? await answer.json() : {};
}

async function rememberOlderRuns() {
  const runs = Object.values(await readHistory(`/history?max_items=${RUNS_READ}`));
  // The newest run wins: a file that a node reads may have changed.
  for (const run of runs.sort((a, b) => a.prompt[0] - b.prompt[0])) rememberTexts(run);
}

async function fillBoxes(promptId, endedAt) {
  if (![...allNodes()].some(([, node]) => showsText(node))) return;
  const run = (await readHistory(`/history/${promptId}`))[promptId];
  if (!run) return;
  rememberTexts(run);
  const [, , graph, extra] = run.prompt;
  // The tab may show another workflow now.
  const workflow = extra?.extra_pnginfo?.workflow?.id;
  if (workflow && workflow !== rootGraph().id) return;
  const messages = new Map(run.status?.messages);
  const cached = new Set(messages.get("execution_cached")?.nodes.map(String));
  const silent = [...allNodes()].filter(
    ([id, node]) =>
      cached.has(id) &&
      !run.outputs[id] &&
      !(executedAt.get(id) > endedAt) &&
      isOurs(node) &&
      showsText(node) &&
      graph[id]?.class_type === node.comfyClass,
  );
  const known = new Map();
  const textOf = (id) => texts.get(signature(graph, id, known));
  if (silent.some(([id]) => !textOf(id))) await rememberOlderRuns();
  for (const [id, node] of silent) {
    // A later run may have executed the node while the history was read.
    if (executedAt.get(id) > endedAt) continue;
    const output = textOf(id);
    if (!node.tipoResult) node.tipoTextBox.value = output?.text.join("\n\n") ?? "";
    else if (output?.tipo) node.tipoResult.executed(output.tipo);
  }
}

app.registerExtension({
  name: "tiposuite.CachedTexts",
  setup() {
    api.addEventListener("execution_start", ({ detail }) => started.add(detail.prompt_id));
    api.addEventListener("executed", ({ detail }) => {
      executedAt.set(String(detail.display_node ?? detail.node), ++clock);
    });
    // `null` means that no node executes any more: the run is in the history now.
    api.addEventListener("executing", async ({ detail }) => {
      if (detail !== null && detail !== undefined) return;
      const finished = [...started];
      started.clear();
      const endedAt = ++clock;
      try {
        for (const promptId of finished) await fillBoxes(promptId, endedAt);
      } catch (error) {
        // The server has stopped or its history was cleared: leave the boxes unchanged.
        console.warn("TIPO Suite: texts of cached nodes were not read", error);
      }
    });
  },
});
