// The texts of the page, in words.json: the front end has no translations for the scripts of packs.
import { app } from "../../scripts/app.js";

const ALL = await (await fetch(new URL("./words.json", import.meta.url))).json();

export const isChinese = () =>
  Boolean(app.extensionManager?.setting.get("Comfy.Locale")?.startsWith("zh"));

// Returns a text by its key; {0}, {1} ... in it are the values.
export function words(key, ...values) {
  const text = (isChinese() ? ALL.zh : ALL.en)[key];
  return text.replace(/\{(\d)\}/g, (_, place) => values[place]);
}
