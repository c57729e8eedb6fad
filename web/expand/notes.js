// The notes below a result: what fell short, was refused or was looked up. The reasons and the
// entries of the bans stay as the server writes them.
const listed = (values) => values.map(String).join(", ");

export function notesOf(result, text) {
  const notes = [];
  const passes = Array.isArray(result.passes) ? result.passes : [];
  const last = new Map(passes.map((one) => [one.grows, one]));
  for (const { grows, reached, count, least, most, reason } of last.values()) {
    const name = text(grows === "tag" ? "tags" : "caption");
    if (!reached) notes.push(text("short", name, count, least, most, reason));
  }
  for (const [entry, count] of Object.entries(result.banned ?? {}))
    notes.push(text("bannedBy", entry, count));
  const refused = passes.reduce((sum, { rejected }) => sum + (rejected?.contradicts ?? 0), 0);
  if (refused) notes.push(text("contradicts", refused));
  const found = (result.translated ?? []).map((one) => `${one.text} = ${listed(one.tags) || "–"}`);
  if (found.length) notes.push(text("dictionary", [...new Set(found)].join("; ")));
  if (result.unknown_words?.length) notes.push(text("unknown", listed(result.unknown_words)));
  if (typeof result.repeats === "number") notes.push(text("repeats", result.repeats + 1));
  const proposed = Object.entries(result.proposed ?? {}).map(([key, value]) => `${key}: ${value}`);
  if (proposed.length) notes.push(text("proposed", proposed.join("; ")));
  if (result.was_cancelled) notes.push(text("cancelled"));
  return notes;
}
