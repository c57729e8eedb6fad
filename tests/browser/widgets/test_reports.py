"""Reports are one quiet line of the node: absent, closed, open, with warnings, and saved."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Locator

from tests.browser.comfy_page import ComfyPage
from tests.browser.conftest import Screenshots

# A report, and a text that is the node's result.
REPORT, RESULT = "TipoSampler", "TipoFormat"
TYPES = (REPORT, RESULT, "TipoSaveImage", "TipoVaeDecode")
LINE_HEIGHT = 25  # pixels, with rounding and the canvas's gap between two widgets

ADD = """async types => {
  app.graph.clear()
  // Nodes 2.0 would keep the elements of nodes with the same ids.
  await new Promise(done => requestAnimationFrame(() => setTimeout(done)))
  types.forEach((type, at) => {
    const node = LiteGraph.createNode(type)
    node.pos = [at * 450, 0]
    app.graph.add(node)
  })
}"""
SEND = """([type, text]) => {
  const node = app.graph.nodes.find(one => one.type === type)
  node.onExecuted({ text: [text] })
  node.setDirtyCanvas(true, true)
}"""
# In the graph's units: height of the element and of the node, and the room below the element.
SIZES = """type => {
  const node = app.graph.nodes.find(one => one.type === type)
  const { element } = node.tipoTextBox
  const { scale, offset } = app.canvas.ds
  const drawn = document.querySelector(`[data-node-id="${node.id}"]`)
  const y = node.pos[1], height = node.size[1]
  const box = drawn?.getBoundingClientRect()
  const bottom = box ? box.bottom
    : (y + height + offset[1]) * scale + app.canvas.canvas.getBoundingClientRect().top
  const own = element.getBoundingClientRect()
  return { report: own.height / scale, node: (box?.height ?? height * scale) / scale,
           room: (bottom - own.bottom) / scale, open: element.open,
           saved: node.properties.tipo_report_open }
}"""
TEXT = "sampler euler, scheduler normal\nsigmas 14.6 .. 0\nsteps run 20 of 20"
WARNED = f"{TEXT}\nwarning: with this sampler the steps of the texts are approximate"


@pytest.fixture
def nodes(comfy: ComfyPage) -> ComfyPage:
    """A page with one new node of each type."""
    comfy.run(ADD, list(TYPES))
    comfy.settled()
    comfy.fit()
    return comfy


def send(comfy: ComfyPage, node_type: str, text: str) -> None:
    comfy.run(SEND, [node_type, text])
    comfy.settled()
    comfy.settled()


def sizes(comfy: ComfyPage, node_type: str) -> dict[str, Any]:
    found: dict[str, Any] = comfy.run(SIZES, node_type)
    return found


def line_of(comfy: ComfyPage, words: str) -> Locator:
    return comfy.page.locator(".tipo-report summary", has_text=words).locator("visible=true")


def test_there_is_no_report_before_the_first_run(
    nodes: ComfyPage, screenshots: Screenshots
) -> None:
    screenshots.take(nodes)
    assert nodes.page.locator(".tipo-report").locator("visible=true").count() == 0
    assert all(sizes(nodes, one)["report"] == 0 for one in TYPES)
    assert nodes.page.get_by_placeholder("...", exact=True).count() == 0


def test_a_report_is_one_line_that_opens_and_closes(
    nodes: ComfyPage, screenshots: Screenshots
) -> None:
    send(nodes, REPORT, TEXT)
    closed = sizes(nodes, REPORT)
    screenshots.take(nodes, "closed")
    line = line_of(nodes, "sampler euler, scheduler normal")
    assert line.count() == 1
    assert 10 <= closed["report"] <= LINE_HEIGHT and not closed["open"] and closed["room"] >= 0

    line.click()
    nodes.settled()
    nodes.settled()
    opened = sizes(nodes, REPORT)
    screenshots.take(nodes, "open")
    assert opened["open"] and opened["saved"] is True and opened["room"] >= 0
    assert opened["report"] > 40
    assert nodes.page.locator(".tipo-report textarea:visible").input_value() == TEXT

    # By keyboard.
    line.focus()
    nodes.page.keyboard.press("Enter")
    nodes.settled()
    nodes.settled()
    again = sizes(nodes, REPORT)
    assert not again["open"] and again["saved"] is False
    assert again["node"] == pytest.approx(closed["node"], abs=3)


def test_the_text_can_be_selected(nodes: ComfyPage) -> None:
    send(nodes, RESULT, "1girl, red hair")
    box = nodes.page.locator(".tipo-report textarea:visible")
    box.click()
    nodes.page.keyboard.press("Control+a")
    selected = "box => box.value.slice(box.selectionStart, box.selectionEnd)"
    assert box.evaluate(selected) == "1girl, red hair"
    nodes.page.keyboard.type("x")
    assert box.input_value() == "1girl, red hair"


def test_a_result_is_open_at_first(nodes: ComfyPage, screenshots: Screenshots) -> None:
    send(nodes, RESULT, "1girl, red hair, smile")
    found = sizes(nodes, RESULT)
    screenshots.take(nodes)
    assert found["open"] and found["report"] > 30 and found["room"] >= 0


def test_a_warning_is_seen_on_the_closed_line(nodes: ComfyPage, screenshots: Screenshots) -> None:
    send(nodes, REPORT, WARNED)
    screenshots.take(nodes)
    line = line_of(nodes, "with this sampler the steps of the texts are approximate")
    assert line.inner_text().startswith("\u26a0")
    send(nodes, "TipoVaeDecode", TEXT)
    colour = "one => getComputedStyle(one).color"
    assert line.evaluate(colour) != line_of(nodes, "sampler euler").evaluate(colour)
    assert not sizes(nodes, REPORT)["open"]


def test_the_workflow_keeps_open_lines_and_its_values(nodes: ComfyPage) -> None:
    send(nodes, REPORT, TEXT)
    line_of(nodes, "sampler euler").click()
    values = {"TipoSampler": {"steps": 7, "cfg_end": 0.5}}
    nodes.set_widgets(values)
    saved = nodes.run("() => app.graph.serialize()")
    (sampler,) = (node for node in saved["nodes"] if node["type"] == REPORT)
    assert sampler["properties"]["tipo_report_open"] is True
    assert TEXT not in str(saved)
    nodes.load(saved)
    nodes.fit()
    widgets = nodes.run(
        """() => Object.fromEntries(app.graph.nodes.find(one => one.type === 'TipoSampler').widgets
             .map(one => [one.name, one.value]))"""
    )
    assert (widgets["steps"], widgets["cfg_end"]) == (7, 0.5)
    send(nodes, REPORT, TEXT)
    assert sizes(nodes, REPORT)["open"]
    assert nodes.console == []
