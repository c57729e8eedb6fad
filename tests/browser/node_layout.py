"""Rectangles of the nodes and groups on the page, in the graph's units."""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

from tests.browser.comfy_page import ComfyPage

# Borders and rounding.
SLACK = 3.0
_RECTANGLES = """() => {
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
    view: [-app.canvas.ds.offset[0], -app.canvas.ds.offset[1],
           app.canvas.canvas.clientWidth / scale, app.canvas.canvas.clientHeight / scale],
  }
}"""


class Box(NamedTuple):
    """A rectangle: its upper left corner and its size."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + self.height

    def overlaps(self, other: Box) -> bool:
        """Whether the two overlap by more than their borders."""
        return (
            self.x + SLACK < other.right
            and other.x + SLACK < self.right
            and self.y + SLACK < other.bottom
            and other.y + SLACK < self.bottom
        )

    def holds_corner_of(self, other: Box) -> bool:
        """Whether the upper left corner of the other lies in this one."""
        return self.x <= other.x < self.right and self.y <= other.y < self.bottom

    def is_exceeded_by(self, other: Box) -> bool:
        """Whether the other goes beyond this one's right or lower edge."""
        return other.right > self.right + SLACK or other.bottom > self.bottom + SLACK


class NodeLayout(NamedTuple):
    """The nodes and groups of the open graph, and the part of it that the window shows."""

    nodes: dict[str, Box]
    groups: dict[str, Box]
    view: Box

    def overlaps(self) -> list[tuple[str, str]]:
        """Return the pairs of nodes that overlap."""
        pairs = combinations(sorted(self.nodes), 2)
        return [(one, other) for one, other in pairs if self.nodes[one].overlaps(self.nodes[other])]

    def outside_groups(self) -> list[tuple[str, str]]:
        """Return the nodes that begin in a group and end outside it."""
        return [
            (name, title)
            for name, node in self.nodes.items()
            for title, group in self.groups.items()
            if group.holds_corner_of(node) and group.is_exceeded_by(node)
        ]

    def is_fitted(self) -> bool:
        """Whether the window shows all nodes, and they fill most of it in one direction."""
        left = min(node.x for node in self.nodes.values())
        top = min(node.y for node in self.nodes.values())
        right = max(node.right for node in self.nodes.values())
        bottom = max(node.bottom for node in self.nodes.values())
        all_seen = (
            self.view.x <= left
            and self.view.y <= top
            and right <= self.view.right
            and bottom <= self.view.bottom
        )
        filled = max((right - left) / self.view.width, (bottom - top) / self.view.height)
        return all_seen and filled > 0.6


def layout_of(comfy: ComfyPage) -> NodeLayout:
    """Return the rectangles that the page draws."""
    found = comfy.run(_RECTANGLES)
    return NodeLayout(
        {name: Box(*box) for name, box in found["nodes"].items()},
        {name: Box(*box) for name, box in found["groups"].items()},
        Box(*found["view"]),
    )


def wait_until_fitted(comfy: ComfyPage) -> None:
    """Wait until the graph is fitted to the window; raises AssertionError after ten seconds."""
    for _ in range(100):
        layout = layout_of(comfy)
        if layout.is_fitted():
            return
        comfy.page.wait_for_timeout(100)
    raise AssertionError(f"the graph is not fitted to the window: {layout}")
