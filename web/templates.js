// Opens the pack's templates, which have marks in `extra`: as a graph where the front end's form of apps
// is unfit, with a note in the page's language, and in Nodes 2.0 fitted to the window. A workflow
// that the user saves has no marks. The front end fits a workflow without a saved view (`extra.ds`)
// while Vue is creating the nodes. Front ends up to at least 1.36 then read the positions of the nodes
// from elements that still have the old zoom, so the nodes move apart or overlap. A template is
// therefore opened with the current view of the page, and fitted after the nodes were measured.
import { app } from "../../scripts/app.js";
import { rootGraph } from "./graph_nodes.js";
import { isChinese } from "./words.js";

const MARK = "tipo_suite_fit_view";
const NOTE = "tipo_suite_note_zh";
const NOTE_TITLE = "从这里开始";
// Older front ends than 1.49 show all inputs of an app, in a form whose parts overlap.
const HAS_APPS = 49;
// The margin around the nodes, in the graph's units. The front end has the same one.
const MARGIN = 10;

let isWaiting = false;

function bounds(nodes) {
  const boxes = nodes.map((node) => node.boundingRect);
  const left = Math.min(...boxes.map(([x]) => x)) - MARGIN;
  const top = Math.min(...boxes.map(([, y]) => y)) - MARGIN;
  const right = Math.max(...boxes.map(([x, , width]) => x + width)) + MARGIN;
  const bottom = Math.max(...boxes.map(([, y, , height]) => y + height)) + MARGIN;
  return [left, top, right - left, bottom - top];
}

const nextFrame = () => new Promise((resolve) => requestAnimationFrame(resolve));
const nextTask = () => new Promise((resolve) => setTimeout(resolve));

async function fitAfterMeasuring(graph) {
  // The nodes are created in the first frame and measured at its end.
  await nextFrame();
  await nextFrame();
  // Between two frames: within one, a node that is measured would still have the old zoom.
  await nextTask();
  if (app.canvas.graph !== graph || graph.nodes.length === 0) return;
  app.canvas.ds.fitToBounds(bounds(graph.nodes));
  app.canvas.setDirty(true, true);
}

function translateNote(nodes, text) {
  const note = text && isChinese() && nodes?.find(({ type }) => type === "MarkdownNote");
  if (note) Object.assign(note, { title: NOTE_TITLE, widgets_values: [text] });
}

app.registerExtension({
  name: "tiposuite.Templates",
  beforeConfigureGraph({ extra, nodes }) {
    isWaiting = Boolean(extra?.[MARK]) && LiteGraph.vueNodesMode;
    if (!extra) return;
    translateNote(nodes, extra[NOTE]);
    const [, version] = window.__COMFYUI_FRONTEND_VERSION__.split(".");
    if (extra[MARK] && version < HAS_APPS) delete extra.linearMode;
    delete extra[MARK];
    delete extra[NOTE];
    if (!isWaiting) return;
    const { scale, offset } = app.canvas.ds;
    extra.ds = { scale, offset: [...offset] };
  },
  afterConfigureGraph() {
    if (!isWaiting) return;
    isWaiting = false;
    delete rootGraph().extra.ds;
    void fitAfterMeasuring(rootGraph());
  },
});
