// The notes below a result: what fell short, was refused or was looked up. The reasons and the
// entries of the bans stay as the server writes them.
import { words } from "../words.js";

const listed = (values) => values.map(String).join(", ");

export function notesOf(result) {
  const notes = [];
  const passes = Array.isArray(result.passes) ? result.passes : [];
  const last = new Map(passes.map((one) => [one.grows, one]));
  for (const { grows, reached, count, least, most, reason } of last.values()) {
    const name = words(grows === "tag" ? "tags" : "caption");
    if (!reached) notes.push(words("short", name, count, least, most, reason));
  }
  for (const [entry, count] of Object.entries(result.banned ?? {}))
    notes.push(words("bannedBy", entry, count));
  const refused = passes.reduce((sum, { rejected }) => sum + (rejected?.contradicts ?? 0), 0);
  if (refused) notes.push(words("contradicts", refused));
  const found = (result.translated ?? []).map((one) => `${one.text} = ${listed(one.tags) || "–"}`);
  if (found.length) notes.push(words("dictionary", [...new Set(found)].join("; ")));
  if (result.unknown_words?.length) notes.push(words("unknown", listed(result.unknown_words)));
  if (typeof result.repeats === "number") notes.push(words("repeats", result.repeats + 1));
  const proposed = Object.entries(result.proposed ?? {}).map(([key, value]) => `${key}: ${value}`);
  if (proposed.length) notes.push(words("proposed", proposed.join("; ")));
  if (result.was_cancelled) notes.push(words("cancelled"));
  return notes;
}
