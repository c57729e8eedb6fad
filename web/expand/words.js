// The texts of the result's box. The front end has no translations for the scripts of packs.
import { app } from "../../../scripts/app.js";

const ALL = await (await fetch(new URL("./words.json", import.meta.url))).json();

// Returns the function that gives a text by its key; {0}, {1} ... in it are the values.
export function words() {
  const texts = app.extensionManager.setting.get("Comfy.Locale")?.startsWith("zh") ? ALL.zh : ALL.en;
  return (key, ...values) => texts[key].replace(/\{(\d)\}/g, (_, place) => values[place]);
}
