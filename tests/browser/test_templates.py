"""Each template, opened from its card, is drawn whole and without a message of error."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.browser.comfy_page import ComfyPage
from tests.browser.conftest import Screenshots
from tests.browser.templates import FOLDER, PACK, template_names

RECTANGLES = """() => {
  const scale = app.canvas.ds.scale
  const box = node => {
    const shown = document.querySelector(`[data-node-id="${node.id}"]`)
    if (!shown) { const [x, y, w, h] = node.boundingRect; return [x, y, w, h] }
    const { left, top, width, height } = shown.getBoundingClientRect()
    const [x, y] = app.canvas.convertEventToCanvasOffset({ clientX: left, clientY: top })
    return [x, y, width / scale, height / scale]
  }
  return {
    nodes: Object.fromEntries(app.graph.nodes.map(n => [`${n.title} ${n.id}`, box(n)])),
    groups: Object.fromEntries(app.graph.groups.map(g => [g.title, [...g._bounding]])),
  }
}"""
# Borders and rounding.
SLACK = 3.0


@pytest.mark.parametrize("name", template_names())
def test_template(name: str, comfy: ComfyPage, screenshots: Screenshots) -> None:
    comfy.open_card(PACK, name)
    comfy.fit()
    saved = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    if comfy.renderer == "nodes2":
        comfy.wait_for(
            "() => app.graph.nodes.every(n => document.querySelector(`[data-node-id='${n.id}']`))"
        )
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
    places = comfy.run(RECTANGLES)
    assert overlaps(places["nodes"]) == []
    assert outside(places["nodes"], places["groups"]) == []


def overlaps(nodes: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the pairs of nodes that cover each other."""
    names = sorted(nodes)
    return [
        (one, other)
        for at, one in enumerate(names)
        for other in names[at + 1 :]
        if _overlap(nodes[one], nodes[other])
    ]


def _overlap(one: list[float], other: list[float]) -> bool:
    return all(
        one[axis] + SLACK < other[axis] + other[axis + 2]
        and other[axis] + SLACK < one[axis] + one[axis + 2]
        for axis in (0, 1)
    )


def outside(nodes: dict[str, Any], groups: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the nodes that begin in a group and end outside it."""
    return [
        (name, title)
        for name, (x, y, width, height) in nodes.items()
        for title, (left, top, wide, high) in groups.items()
        if left <= x < left + wide
        and top <= y < top + high
        and (x + width > left + wide + SLACK or y + height > top + high + SLACK)
    ]
