"""The menu entry that replaces the nodes of z-tipo and DanTagGen in the open workflow."""

from __future__ import annotations

from typing import Any

from tests.browser.comfy_page import ComfyPage
from tests.browser.conftest import Screenshots
from tests.unit.migrate.old_graphs import as_workflow
from tests.unit.migrate.test_old_forms import one_node

# The toasts of PrimeVue, and of its successor.
TOASTS = '.p-toast-message, [data-testid="toast-viewport"] li'
TYPES = "() => app.graph.nodes.map(node => node.type).sort()"
EXPAND = """() => { const node = app.graph.nodes.find(one => one.type === 'TipoExpand')
  return { id: node.id, title: node.title, pos: [...node.pos],
    values: Object.fromEntries(node.widgets.map(one => [one.name, one.value])),
    model: node.getInputNode(0)?.type } }"""


def opened(comfy: ComfyPage, workflow: dict[str, Any]) -> None:
    """Open a workflow whose nodes are missing, without the dialog that says so."""
    comfy.run(
        """workflow => app.loadGraphData(workflow, true, true, null,
             { showMissingNodesDialog: false, showMissingModelsDialog: false })""",
        workflow,
    )
    comfy.settled()
    comfy.dismiss_alerts()


def replace_nodes(comfy: ComfyPage) -> str:
    """Choose the entry; return the text of its message."""
    comfy.run("() => app.extensionManager.command.execute('tipo.migrate')")
    toast = comfy.page.locator(TOASTS).first
    toast.wait_for()
    text = " ".join(toast.inner_text().split())
    comfy.settled()
    return text


def close_messages(comfy: ComfyPage) -> None:
    """Close all messages and wait until none is seen."""
    comfy.dismiss_alerts()
    comfy.page.locator(TOASTS).first.wait_for(state="hidden")


def test_nodes_are_replaced_and_one_undo_restores_them(
    comfy: ComfyPage, screenshots: Screenshots
) -> None:
    graph = one_node(tags="1girl, smile", seed=77)
    graph["4"].title = "My prompts"
    workflow = as_workflow(graph)
    workflow["nodes"][0]["flags"] = {}  # not collapsed, for the picture
    opened(comfy, workflow)
    assert comfy.run(TYPES) == ["TIPO"]
    # Front end 1.32.9 moves the nodes of a workflow that it opens in Nodes 2.0.
    place = comfy.run("() => [...app.graph.nodes[0].pos]")
    message = replace_nodes(comfy)
    comfy.fit()
    screenshots.take(comfy)
    assert "Replaced nodes: 1" in message
    assert comfy.run(TYPES) == ["TipoExpand", "TipoLoadModel"]
    expand = comfy.run(EXPAND)
    assert (expand["id"], expand["title"], expand["model"]) == (4, "My prompts", "TipoLoadModel")
    assert expand["pos"] == place
    values = expand["values"]
    assert (values["tags"], values["bans"], values["seed"]) == ("1girl, smile", "*hat*", 77)
    assert (values["caption_length"], values["at_least"]) == ("very_long", True)
    comfy.run("() => app.extensionManager.workflow.activeWorkflow.changeTracker.undo()")
    comfy.wait_for("() => app.graph.nodes.some(node => node.type === 'TIPO')")
    assert comfy.run(TYPES) == ["TIPO"]
    comfy.run("() => app.extensionManager.workflow.activeWorkflow.changeTracker.redo()")
    comfy.wait_for("() => app.graph.nodes.some(node => node.type === 'TipoExpand')")
    close_messages(comfy)


def test_what_is_lost_is_listed(comfy: ComfyPage) -> None:
    opened(comfy, as_workflow(one_node(seed=-1)))
    message = replace_nodes(comfy)
    assert "the seed -1 is out of range" in message
    close_messages(comfy)


def test_a_workflow_without_such_nodes_stays(comfy: ComfyPage) -> None:
    comfy.run("() => { app.graph.clear(); app.graph.add(LiteGraph.createNode('TipoOptions')) }")
    message = replace_nodes(comfy)
    assert "no node of z-tipo" in message
    assert comfy.run(TYPES) == ["TipoOptions"]
    close_messages(comfy)


def test_the_entry_stands_in_the_menu(comfy: ComfyPage) -> None:
    found = comfy.run(
        """() => app.extensionManager.command.commands.find(one => one.id === 'tipo.migrate')
             ?.label""",
    )
    assert found == "Replace z-tipo nodes"
