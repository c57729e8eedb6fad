"""Each template opens from its card, complete and without an error message."""

from __future__ import annotations

import json

import pytest

from devkit.generate.prompt_to_picture import APP
from tests.browser.comfy_page import ComfyPage
from tests.browser.conftest import Screenshots
from tests.browser.node_layout import layout_of, wait_until_fitted
from tests.browser.template_files import FOLDER, PACK, template_names

# In Nodes 2.0 the page makes the nodes' elements later, and the pictures of Load Image after them.
DRAWN = """isNodes2 => app.graph.nodes.every(node => {
  const element = document.querySelector(`[data-node-id="${node.id}"]`)
  if (isNodes2 && !element) return false
  if (node.type !== 'LoadImage') return true
  const image = element?.querySelector('img') ?? node.imgs?.[0]
  return image?.complete && image.naturalWidth
})"""


# The app opens as a form, which test_prompt_to_picture.py looks at.
@pytest.mark.parametrize("name", [name for name in template_names() if name != APP])
def test_template(name: str, comfy: ComfyPage, screenshots: Screenshots) -> None:
    # Nothing of the graph would be seen in this view.
    comfy.run("() => { app.canvas.ds.offset = [9000, 9000]; app.canvas.ds.scale = 1 }")
    comfy.open_card(PACK, name)
    saved = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    comfy.wait_for(DRAWN, comfy.renderer == "nodes2")
    # The page fits the graph to the window by itself, once it has measured the nodes.
    wait_until_fitted(comfy)
    screenshots.take(comfy)
    assert comfy.alerts() == []
    assert comfy.console == []
    ours = comfy.our_nodes()
    expected = [node["type"] for node in saved["nodes"] if node["type"].startswith("Tipo")]
    assert sorted(node["type"] for node in ours) == sorted(expected)
    assert [node for node in ours if node["error"]] == []
    unknown = "app.graph.nodes.filter(n => !LiteGraph.registered_node_types[n.type])"
    assert comfy.run(f"() => {unknown}.map(n => n.type)") == []
    if comfy.renderer == "nodes2":
        assert comfy.page.locator(".node-error").all_inner_texts() == []
        for node in ours:
            element = comfy.page.locator(f'[data-node-id="{node["id"]}"]')
            assert node["title"] in element.inner_text(), f"{node['type']} is not drawn"
    layout = layout_of(comfy)
    assert layout.overlaps() == []
    assert layout.outside_groups() == []
    # A workflow that the user saves opens in the view that he saved.
    assert "tipo_suite_fit_view" not in comfy.run("() => app.graph.serialize().extra")
