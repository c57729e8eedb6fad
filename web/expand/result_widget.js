// The result on TIPO Expand is the widget of the input `pinned`. Its value, which the workflow
// stores, has the shown results; the server gets them only while they are pinned. JSON, which
// begins with the key `tipo_result`: the server finds it by that (nodes/text/saved_result.py).
import { app } from "../../../scripts/app.js";
import { api } from "../../../scripts/api.js";
import { after, allNodes } from "../graph_nodes.js";
import { words } from "../words.js";
import { ban, isLinked, keep, putBack, setSeed } from "./inputs.js";
import { ResultBox } from "./result_box.js";

const NODE = "TipoExpand";
const EMPTY = { tipo_result: 1 };
// A longer result is stored only if it is pinned.
const MOST_CHARACTERS = 250_000;
const MIN_HEIGHT = 160;
const MARGIN = 10;

const isResult = (one) => typeof one?.prompt === "string" && (one.version ?? 1) === 1;

// The API's form is a result, or a list of results.
function readState(value) {
  const read = value?.trim() ? JSON.parse(value) : {};
  const isApi = Array.isArray(read) || isResult(read);
  const results = (isApi ? [read].flat() : (read?.results ?? [])).filter(isResult);
  if (!results.length) return EMPTY;
  const { before, marks } = isApi ? {} : read;
  return { ...EMPTY, pinned: isApi || read.pinned === true, results, before, marks };
}

class Result {
  constructor(node) {
    this.node = node;
    this.box = new ResultBox((...values) => this.act(...values));
    this.set(EMPTY);
  }

  set(state) {
    this.state = state;
    const value = JSON.stringify(state);
    const isShort = state.pinned || value.length <= MOST_CHARACTERS;
    this.value = isShort ? value : JSON.stringify(EMPTY);
    this.box.show(state);
  }

  // Values come from files of others: a damaged one is no result.
  read(value) {
    try {
      this.set(readState(value));
    } catch {
      this.set(EMPTY);
    }
  }

  // The results of a run, `ui.tipo`.
  executed(results) {
    this.typed = undefined;
    const { pinned, results: old } = this.state;
    if (pinned) this.box.show(this.state);
    else {
      const seed = old?.[0]?.seed;
      const before = seed === results[0]?.seed ? this.state.before : seed;
      this.set({ ...EMPTY, pinned: false, results, before });
    }
  }

  written({ typed, drafts }) {
    this.typed = typed ?? this.typed ?? [];
    const place = Math.min(this.box.tab, drafts.length - 1);
    this.box.write(this.typed[place] ?? [], drafts[place]);
  }

  // The run has ended without a result.
  ended() {
    if (!this.typed) return;
    this.typed = undefined;
    this.box.show(this.state);
  }

  act(name, result, span) {
    const { node, box, state } = this;
    const mark = (value) => this.set({ ...state, marks: { ...state.marks, [span.tag]: value } });
    const change = (input, said, work) => {
      const linked = isLinked(node, input);
      if (!linked) work();
      box.say(linked ? `${words("linked")}: ${input}` : said);
    };
    const seed = (value) => change("seed", `${words("done")}: ${value}`, () => setSeed(node, value));
    box.say("");
    if (name === "copy")
      navigator.clipboard.writeText(result.prompt).then(() => box.say(words("copied")), () => {});
    if (name === "pin") this.set({ ...state, pinned: !state.pinned });
    if (name === "use") this.set({ ...state, results: [result], pinned: true });
    if (name === "back") change("tags", words("done"), () => putBack(node, result));
    if (name === "keep") seed(result.seed);
    if (name === "next") seed(result.seed + 1);
    if (name === "last") seed(state.before);
    if (name === "ban")
      change("bans", words("banned"), () => (ban(node, span.tag), mark("ban")));
    if (name === "own")
      change("tags", words("owned"), () => (keep(node, span.text), mark("keep")));
    node.setDirtyCanvas?.(true, true);
  }
}

function resultWidget(node, name) {
  const result = new Result(node);
  node.tipoResult = result;
  const { element } = result.box;
  element.style.minHeight = `${MIN_HEIGHT - 2 * MARGIN}px`;
  // As in ComfyUI's own text boxes, the wheel zooms the canvas unless the text can be scrolled.
  element.addEventListener("wheel", (event) => {
    const { scrollHeight, clientHeight } = result.box.text;
    if (!event.ctrlKey && scrollHeight > clientHeight) return event.stopPropagation();
    event.preventDefault();
    app.canvas.processMouseWheel(event);
  });
  const widget = node.addDOMWidget(name, "TIPO_RESULT", element, {
    margin: MARGIN,
    getValue: () => result.value,
    setValue: (value) => result.read(value),
    getMinHeight: () => MIN_HEIGHT,
  });
  widget.serializeValue = () =>
    result.state.pinned ? JSON.stringify(result.state.results) : "";
  return { widget };
}

const results = () => [...allNodes()].filter(([, node]) => node.tipoResult);

app.registerExtension({
  name: "tiposuite.Result",
  getCustomWidgets: () => ({ TIPO_RESULT: resultWidget }),
  beforeRegisterNodeDef(nodeType, nodeDef) {
    if (nodeDef.name !== NODE) return;
    after(nodeType, "onExecuted", function (output) {
      if (output?.tipo) this.tipoResult?.executed(output.tipo);
    });
  },
  setup() {
    api.addEventListener("tipo.draft", ({ detail }) => {
      if (detail.version !== 1) return;
      for (const [id, node] of results()) if (id === detail.node) node.tipoResult.written(detail);
    });
    const end = () => results().forEach(([, node]) => node.tipoResult.ended());
    for (const name of ["execution_error", "execution_interrupted", "execution_success"])
      api.addEventListener(name, end);
  },
});
