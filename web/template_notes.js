// The notes of the pack's templates in Chinese. The front end translates the nodes, but no notes: a
// template brings the Chinese text of its note in `extra`, and no other workflow has that key.
import { app } from "../../scripts/app.js";

const TEXT = "tipo_suite_note_zh";
const TITLE = "从这里开始";

app.registerExtension({
  name: "tiposuite.TemplateNotes",
  beforeConfigureGraph({ extra, nodes }) {
    const text = extra?.[TEXT];
    if (!text) return;
    // A workflow that the user saves keeps the note as it was shown.
    delete extra[TEXT];
    if (app.extensionManager.setting.get("Comfy.Locale") !== "zh") return;
    const note = nodes?.find(({ type }) => type === "MarkdownNote");
    if (note) Object.assign(note, { title: TITLE, widgets_values: [text] });
  },
});
