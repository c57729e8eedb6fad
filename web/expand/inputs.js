// Changes of the inputs of TIPO Expand, as a person would type them.

const widgetOf = (node, name) => node.widgets?.find((one) => one.name === name);

// A linked input does not use its widget.
export function isLinked(node, name) {
  return Boolean(node.inputs?.some((one) => one.name === name && one.link != null));
}

function set(node, name, value) {
  const widget = widgetOf(node, name);
  if (!widget || isLinked(node, name)) return;
  widget.value = value;
  widget.callback?.(value);
}

export function putBack(node, result) {
  set(node, "tags", result.tags ?? result.prompt);
  set(node, "caption", result.caption ?? "");
}

// A line of its own: the last line may be a condition (`if 1boy: skirt`).
export function ban(node, tag) {
  const special = /^(@[a-z]|if\s|\/.*\/$)/i.test(tag);
  const entry = special
    ? `/^${tag.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&")}$/`
    : tag.replaceAll("*", "\\*");
  const before = String(widgetOf(node, "bans")?.value ?? "").trimEnd();
  set(node, "bans", before ? `${before}\n${entry}` : entry);
}

// `text` is the tag as the prompt spells it. A comment at the end would take it in.
export function keep(node, text) {
  const before = String(widgetOf(node, "tags")?.value ?? "");
  const last = before.slice(before.lastIndexOf("\n") + 1);
  let joint = ", ";
  if (!last.trim()) joint = "";
  else if (/#|\/\/|--|<[^>]*$/.test(last)) joint = "\n";
  else if (/[,，、]\s*$/.test(last)) joint = /\s$/.test(last) ? "" : " ";
  set(node, "tags", before + joint + text);
}

export function setSeed(node, seed) {
  set(node, "seed", seed);
  set(node, "control_after_generate", "fixed");
}
