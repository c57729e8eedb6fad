"""The text boxes of several lines: room on new nodes, and labels that stay."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.comfy_page import ComfyPage
from tests.browser.conftest import Screenshots

# Nodes with one prompt box and several.
TYPES = ("TipoClipSkipEncode", "TipoLoraPrompt", "TipoTask", "TipoBans")
# Five lines; in Nodes 2.0 the front ends give their own text boxes no more than 52 or 64.
PROMPT_HEIGHT = {"classic": 80, "nodes2": 50}

ADD = """async types => {
  app.graph.clear()
  // Nodes 2.0 would keep the elements of nodes with the same ids.
  await new Promise(done => requestAnimationFrame(() => setTimeout(done)))
  types.forEach((type, at) => {
    const node = LiteGraph.createNode(type)
    node.pos = [(at % 6) * 450, Math.floor(at / 6) * 900]
    app.graph.add(node)
  })
}"""
# Of each node, the distances of its text boxes to its lower edge, their heights, and their labels
# with the heights of their letters.
MEASURE = """() => app.graph.nodes.map(node => {
  const { scale } = app.canvas.ds
  const { top: canvasTop } = app.canvas.canvas.getBoundingClientRect()
  const drawn = document.querySelector(`[data-node-id="${node.id}"]`)
  const [, y, , height] = node.boundingRect
  const bottom = drawn ? drawn.getBoundingClientRect().bottom
    : (y + height + app.canvas.ds.offset[1]) * scale + canvasTop
  const elements = drawn ? [...drawn.querySelectorAll('textarea:not([readonly])')]
    : node.widgets.filter(one => one.type === 'customtext' && node.isWidgetVisible(one))
        .map(one => one.element)
  return { type: node.type, boxes: elements.map(element => {
    const box = element.getBoundingClientRect()
    const label = element.labels?.[0] ?? element.parentElement?.querySelector('.tipo-label')
    const shown = label?.getBoundingClientRect()
    return { height: box.height / scale, room: (bottom - box.bottom) / scale,
             label: label?.textContent.trim() ?? '',
             isSeen: Boolean(shown && shown.height && shown.top >= box.top - 1
                             && (shown.bottom - box.top) / scale
                                <= parseFloat(getComputedStyle(element).paddingTop) + 8),
             padding: parseFloat(getComputedStyle(element).paddingTop) } }) }
})"""


def add(comfy: ComfyPage, types: list[str]) -> None:
    """Put new nodes onto an empty canvas."""
    comfy.run(ADD, types)
    comfy.settled()
    # The page measures boxes within the window only.
    comfy.fit()
    comfy.wait_for(
        """() => app.graph.nodes.every(({ id, widgets }) => LiteGraph.vueNodesMode
             ? document.querySelector(`[data-node-id="${id}"]`)
             : widgets?.every(({ type, element, hidden }) =>
                 type !== 'customtext' || hidden || element.offsetHeight) ?? true)"""
    )
    comfy.settled()


@pytest.fixture
def new_nodes(comfy: ComfyPage) -> ComfyPage:
    """A page with one new node of each type."""
    add(comfy, list(TYPES))
    return comfy


def boxes_of(comfy: ComfyPage) -> dict[str, list[dict[str, Any]]]:
    return {one["type"]: one["boxes"] for one in comfy.run(MEASURE)}


def test_boxes_of_new_nodes_lie_inside_and_show_several_lines(
    new_nodes: ComfyPage, screenshots: Screenshots
) -> None:
    screenshots.take(new_nodes)
    found = boxes_of(new_nodes)
    assert set(found) == set(TYPES)
    wrong = [
        (name, box)
        for name, boxes in found.items()
        for box in boxes
        if box["room"] < 0 or box["height"] < PROMPT_HEIGHT[new_nodes.renderer]
    ]
    assert wrong == []


def test_every_text_box_of_the_pack_has_a_label(comfy: ComfyPage, screenshots: Screenshots) -> None:
    types = comfy.run(
        """() => Object.values(LiteGraph.registered_node_types).map(one => one.nodeData)
             .filter(def => def?.name.startsWith('Tipo') && Object.values(
               { ...def.input.required, ...def.input.optional }).some(([, o]) => o?.multiline))
             .map(def => def.name)"""
    )
    assert {"TipoExpand", "TipoTask", "TipoBans", "TipoClassImages"} <= set(types)
    add(comfy, types)
    # The label stays beside a text, where the placeholder would be gone.
    comfy.run(
        """() => app.graph.nodes.forEach(node => node.widgets
             .filter(one => one.type === 'customtext').forEach(one => { one.value = 'a cat' }))"""
    )
    comfy.settled()
    screenshots.take(comfy)
    found = boxes_of(comfy)
    names = comfy.run(
        """() => Object.fromEntries(app.graph.nodes.map(node => [node.type, node.widgets
             .filter(one => one.type === 'customtext').map(one => one.label ?? one.name)]))"""
    )
    for name, boxes in found.items():
        assert boxes, name
        assert {box["label"] for box in boxes} <= set(names[name]), name
        assert all(box["isSeen"] and box["padding"] >= 15 for box in boxes), (name, boxes)
    assert comfy.console == []


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


def test_labels_have_the_boxes_colour_in_both_themes(new_nodes: ComfyPage) -> None:
    try:
        for theme in ("light", "dark"):
            new_nodes.set_theme(theme)
            new_nodes.still()  # colours fade into each other
            colours = new_nodes.run(
                """() => [...document.querySelectorAll('.tipo-label')].map(label =>
                     [label, label.parentElement.querySelector('textarea')].map(one =>
                       getComputedStyle(one).backgroundColor))"""
            )
            assert all(label == box for label, box in colours), (theme, colours)
    finally:
        new_nodes.set_theme("dark")
