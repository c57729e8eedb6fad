"""A picture that Save Image wrote gives its graph back when it is dropped on the page."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.browser.comfy_page import ComfyPage
from tests.browser.conftest import RENDERERS, Screenshots
from tests.browser.graph_runs import open_small_graph, run_to_end

KINDS = ("png", "webp", "avif")

DROP = """([name, mime, content]) => {
  const bytes = Uint8Array.from(atob(content), letter => letter.charCodeAt(0))
  const dataTransfer = new DataTransfer()
  dataTransfer.items.add(new File([bytes], name, { type: mime }))
  const at = { bubbles: true, cancelable: true, clientX: 700, clientY: 500, dataTransfer }
  for (const kind of ['dragenter', 'dragover', 'drop'])
    app.canvas.canvas.dispatchEvent(new DragEvent(kind, at))
}"""

GRAPH = """() => Object.fromEntries(app.graph.nodes.map(node =>
  [node.id, [node.type, node.serialize().widgets_values ?? []]]))"""

RESULT = "app.graph.nodes.find(one => one.type === 'TipoExpand').tipoResult"


@pytest.mark.parametrize("kind", KINDS)
def test_dropped(kind: str, comfy: ComfyPage, screenshots: Screenshots) -> None:
    # A run of its own: only the run that writes a text puts it into its pictures.
    open_small_graph(comfy, 10 + KINDS.index(kind) + 10 * RENDERERS.index(comfy.renderer))
    comfy.set_widgets({"TipoSaveImage": {"format": kind}})
    outputs = run_to_end(comfy)["outputs"].values()
    (image,) = (image for output in outputs for image in output.get("images", []))
    # The picture also has the result of its run, which the page shows when the run has ended.
    comfy.wait_for(f"() => ({RESULT})?.state.results")
    saved: dict[str, Any] = comfy.run(GRAPH)
    shown = comfy.run(f"() => ({RESULT}).box.text.innerText")
    path = comfy.front_end.base / "output" / image["subfolder"] / image["filename"]
    assert path.suffix == f".{kind}"
    comfy.run("() => app.graph.clear()")
    assert comfy.run(GRAPH) == {}
    content = base64.b64encode(path.read_bytes()).decode()
    comfy.run(DROP, [path.name, f"image/{kind}", content])
    comfy.wait_for("count => app.graph.nodes.length === count", len(saved))
    comfy.settled()
    screenshots.take(comfy)
    assert comfy.run(GRAPH) == saved
    assert comfy.run(f"() => ({RESULT}).box.text.innerText") == shown
    (texts,) = (output["tipo"] for output in outputs if "tipo" in output)
    assert shown.startswith(texts[0]["prompt"])
    assert comfy.alerts() == []
    assert comfy.console == []
