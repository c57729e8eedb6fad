// Fits the pack's templates to the window in Nodes 2.0. The front end fits a workflow without a
// saved view (`extra.ds`) while Vue is creating the nodes. Front ends up to at least 1.36 then read
// the positions of the nodes from elements that still have the old zoom, so the nodes move apart or
// overlap. A marked workflow is therefore opened with the current view of the page, and fitted
// after the nodes were measured.
import { app } from "../../scripts/app.js";
import { rootGraph } from "./graph_nodes.js";

const MARK = "tipo_suite_fit_view";
// The margin around the nodes, in the graph's units. The front end has the same one.
const MARGIN = 10;
const HAS_APPS = 49; // 1.49

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

app.registerExtension({
  name: "tiposuite.FitView",
  beforeConfigureGraph({ extra }) {
    // Older front ends show all inputs of an app, in a form whose parts overlap: they get the graph.
    const [, version] = window.__COMFYUI_FRONTEND_VERSION__.split(".");
    if (extra?.[MARK] && version < HAS_APPS) delete extra.linearMode;
    isWaiting = Boolean(extra?.[MARK]) && LiteGraph.vueNodesMode;
    // A workflow that the user saves has a view of its own.
    if (extra) delete extra[MARK];
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
