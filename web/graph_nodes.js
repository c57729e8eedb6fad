// The nodes of this pack in the graph on the canvas, those inside subgraphs included.
import { app } from "../../scripts/app.js";

const PREFIX = "Tipo";

// Yields [id, node]. The id is the one that the server uses: "12", or "3:12" inside the subgraph
// node 3.
function* withIds(graph, path) {
  for (const node of graph?.nodes ?? []) {
    const id = `${path}${node.id}`;
    yield [id, node];
    if (node.subgraph) yield* withIds(node.subgraph, `${id}:`);
  }
}

export function rootGraph() {
  return app.rootGraph ?? app.graph;
}

export function allNodes() {
  return withIds(rootGraph(), "");
}

export function isOurs(node) {
  return Boolean(node.comfyClass?.startsWith(PREFIX));
}

export function hasOurs() {
  return [...allNodes()].some(([, node]) => isOurs(node));
}

// Calls `work` after a method that nodes of a type may have.
export function after(nodeType, method, work) {
  const first = nodeType.prototype[method];
  nodeType.prototype[method] = function (...values) {
    first?.apply(this, values);
    work.apply(this, values);
  };
}
