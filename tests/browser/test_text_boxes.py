"""The prompt and report boxes of new nodes, measured in the graph's units."""

from __future__ import annotations

import pytest

from tests.browser.comfy_page import ComfyPage
from tests.browser.conftest import Screenshots

# Nodes with one prompt box, several, and only a report, also above a picture.
TYPES = ("TipoClipSkipEncode", "TipoLoraPrompt", "TipoTask", "TipoSampler", "TipoSaveImage")
# Five lines; in Nodes 2.0 the front ends give their own text boxes no more than 52 or 64.
PROMPT_HEIGHT = {"classic": 80, "nodes2": 50}
REPORT_HEIGHT = 74

ADD = """types => {
  app.graph.clear()
  types.forEach((type, at) => {
    const node = LiteGraph.createNode(type)
    node.pos = [at * 450, 0]
    app.graph.add(node)
  })
}"""
# Of each node, the distances of its text boxes to its lower edge, and their heights.
MEASURE = """() => app.graph.nodes.map(node => {
  const { scale } = app.canvas.ds
  const { top: canvasTop } = app.canvas.canvas.getBoundingClientRect()
  const drawn = document.querySelector(`[data-node-id="${node.id}"]`)
  const [, y, , height] = node.boundingRect
  const bottom = drawn ? drawn.getBoundingClientRect().bottom
    : (y + height + app.canvas.ds.offset[1]) * scale + canvasTop
  const elements = drawn ? [...drawn.querySelectorAll('textarea')]
    : node.widgets.filter(one => one.element).map(one => one.element)
  return { type: node.type, boxes: elements.map(element => {
    const box = element.getBoundingClientRect()
    return { isReport: element.readOnly, height: box.height / scale,
             room: (bottom - box.bottom) / scale } }) }
})"""


@pytest.fixture
def new_nodes(comfy: ComfyPage) -> ComfyPage:
    """A page with one new node of each type."""
    comfy.run(ADD, list(TYPES))
    comfy.settled()
    # The page measures boxes within the window only.
    comfy.fit()
    comfy.wait_for(
        """() => app.graph.nodes.every(({ id, widgets }) => LiteGraph.vueNodesMode
             ? document.querySelector(`[data-node-id="${id}"] textarea`)
             : widgets.every(({ element }) => !element || element.offsetHeight))"""
    )
    return comfy


def test_boxes_of_new_nodes_lie_inside_and_show_several_lines(
    new_nodes: ComfyPage, screenshots: Screenshots
) -> None:
    screenshots.take(new_nodes)
    found = {one["type"]: one["boxes"] for one in new_nodes.run(MEASURE)}
    assert set(found) == set(TYPES)
    prompts = {name: sum(not box["isReport"] for box in boxes) for name, boxes in found.items()}
    assert prompts == dict(zip(TYPES, (1, 1, 4, 0, 0), strict=True))
    assert all(sum(box["isReport"] for box in boxes) == 1 for boxes in found.values())
    wrong = [
        (name, box)
        for name, boxes in found.items()
        for box in boxes
        if box["room"] < 0
        or box["height"] < (REPORT_HEIGHT if box["isReport"] else PROMPT_HEIGHT[new_nodes.renderer])
    ]
    assert wrong == []


def test_a_saved_size_is_kept(new_nodes: ComfyPage) -> None:
    """A node that was saved at the smallest size opens at that size."""
    if new_nodes.renderer == "nodes2":
        pytest.skip("Nodes 2.0 draws a node at least as high as its content")
    new_nodes.run("() => app.graph.nodes.forEach(node => node.setSize(node.computeSize()))")
    saved = new_nodes.run("() => app.graph.serialize()")
    new_nodes.load(saved)
    opened = new_nodes.run("() => app.graph.serialize()")
    sizes = {node["type"]: node["size"] for node in saved["nodes"]}
    for node in opened["nodes"]:
        assert node["size"] == pytest.approx(sizes.pop(node["type"])), node["type"]
    assert not sizes
