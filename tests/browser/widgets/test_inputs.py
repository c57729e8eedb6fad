"""Inputs at first sight, and sampling inputs that another node overrides."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.comfy_page import ComfyPage
from tests.browser.conftest import Screenshots

OVERRIDDEN = ["temperature", "top_p", "min_p", "top_k"]
ADD = """async () => {
  app.graph.clear()
  // Nodes 2.0 would keep the elements of nodes with the same ids.
  await new Promise(done => requestAnimationFrame(() => setTimeout(done)))
  const [expand, options] = ['TipoExpand', 'TipoOptions'].map((type, at) => {
    const node = LiteGraph.createNode(type)
    node.pos = [(1 - at) * 450, 0]
    app.graph.add(node)
    return node
  })
  expand.showAdvanced = true
}"""
LINK = """isLinked => {
  const [expand, options] = ['TipoExpand', 'TipoOptions'].map(type =>
    app.graph.nodes.find(node => node.type === type))
  const slot = expand.inputs.findIndex(one => one.name === 'options')
  if (isLinked) options.connect(0, expand, slot)
  else expand.disconnectInput(slot)
}"""
STATES = """names => {
  const node = app.graph.nodes.find(one => one.type === 'TipoExpand')
  const drawn = document.querySelector(`[data-node-id="${node.id}"]`)
  const rows = [...(drawn?.querySelectorAll('.lg-node-widget') ?? [])]
  return names.map(name => {
    const widget = node.widgets.find(one => one.name === name)
    const row = rows.find(one => one.innerText.trim().startsWith(widget.label ?? name))
    return { disabled: Boolean(widget.disabled), tooltip: widget.tooltip ?? '',
             opacity: row ? getComputedStyle(row).opacity : null, title: row?.title ?? null }
  })
}"""


def states(comfy: ComfyPage, *names: str) -> list[dict[str, Any]]:
    comfy.settled()
    comfy.settled()
    found: list[dict[str, Any]] = comfy.run(STATES, list(names))
    return found


def assert_overridden(comfy: ComfyPage, expected: bool) -> None:
    for state in states(comfy, *OVERRIDDEN):
        assert state["disabled"] is expected
        assert ("TIPO Sampling Options is linked" in state["tooltip"]) is expected
        if comfy.renderer == "nodes2":
            assert (state["opacity"] == "0.5") is expected
            assert ("TIPO Sampling Options is linked" in state["title"]) is expected
    for state in states(comfy, "seed", "variants"):
        assert not state["disabled"] and state["opacity"] in (None, "1")


def test_linked_options_override_the_sampling_inputs(
    comfy: ComfyPage, screenshots: Screenshots
) -> None:
    comfy.run(ADD)
    comfy.fit()
    assert_overridden(comfy, False)
    comfy.run(LINK, True)
    screenshots.take(comfy, "linked")
    assert_overridden(comfy, True)
    # Opened as a saved workflow.
    comfy.load(comfy.run("() => app.graph.serialize()"))
    comfy.fit()
    assert_overridden(comfy, True)
    comfy.run(LINK, False)
    screenshots.take(comfy, "unlinked")
    assert_overridden(comfy, False)
    assert comfy.console == []


def test_muted_options_override_nothing(comfy: ComfyPage) -> None:
    comfy.run(ADD)
    comfy.run(LINK, True)
    comfy.fit()
    assert_overridden(comfy, True)
    comfy.run("() => { app.graph.nodes.find(one => one.type === 'TipoOptions').mode = 2 }")
    # Nodes 2.0 draws a node again when it changes.
    comfy.run(
        """() => { app.canvas.setDirty(true, true)
             app.graph.nodes.forEach(node => node.onConnectionsChange?.()) }"""
    )
    assert_overridden(comfy, False)


def has_advanced_inputs(comfy: ComfyPage) -> bool:
    found: bool = comfy.run(
        """() => { const { input } = LiteGraph.registered_node_types.TipoExpand.nodeData
             return Boolean(input.required.top_p[1].advanced) }"""
    )
    return found


def test_seven_inputs_at_first_sight(comfy: ComfyPage, screenshots: Screenshots) -> None:
    if comfy.renderer == "classic" or not has_advanced_inputs(comfy):
        pytest.skip("the classic canvas and older ComfyUI versions fold no inputs")
    comfy.run("() => { app.graph.clear(); app.graph.add(LiteGraph.createNode('TipoExpand')) }")
    comfy.settled()
    comfy.fit()
    screenshots.take(comfy, "folded")
    shown = comfy.run(
        """() => {
          const [node] = app.graph.nodes
          const drawn = document.querySelector(`[data-node-id="${node.id}"]`)
          return [...drawn.querySelectorAll('.lg-node-widget')].filter(one => one.offsetHeight)
            .map(one => one.innerText.trim()).filter(Boolean)
        }"""
    )
    # The model is an input without a widget; the text that is shown is no input.
    assert 5 <= len(shown) + 1 <= 7, shown
    assert comfy.console == []
