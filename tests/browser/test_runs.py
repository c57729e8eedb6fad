"""Texts, pictures and errors on the nodes after a run."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Browser

from tests.browser.comfy_page import ComfyPage, new_tab
from tests.browser.conftest import RENDERERS, Screenshots
from tests.browser.graph_runs import open_small_graph, run_to_end, shown_texts
from tests.browser.node_layout import layout_of

MISSING = "not-there.safetensors"

PICTURE = """id => {
  const node = app.graph.getNodeById(id)
  const image = document.querySelector(`[data-node-id="${id}"] img`) ?? node.imgs?.[0]
  return image?.complete && image.naturalWidth
}"""


def seed_of(comfy: ComfyPage) -> int:
    """A seed of the renderer's own: the server would answer a second run from its cache."""
    return 1 + RENDERERS.index(comfy.renderer)


def test_text_and_picture_are_seen(comfy: ComfyPage, screenshots: Screenshots) -> None:
    open_small_graph(comfy, seed_of(comfy))
    entry = run_to_end(comfy)
    sent = shown_texts(entry)
    graph = entry["prompt"][2]
    types = {graph[node]["class_type"] for node in sent}
    assert {"TipoExpand", "TipoSampler", "TipoVaeDecode", "TipoSaveImage"} <= types
    wait_for_all(comfy)
    for node, text in sent.items():
        if graph[node]["class_type"] == "TipoExpand":
            # Its box has the notes in the language of the page.
            assert text.startswith(comfy.boxes()[node])
        else:
            assert comfy.boxes()[node] == text, graph[node]["class_type"]
    (saved,) = (node for node in sent if graph[node]["class_type"] == "TipoSaveImage")
    comfy.wait_for(PICTURE, saved)
    assert comfy.run(PICTURE, saved) == 64
    (expand,) = (node for node in sent if graph[node]["class_type"] == "TipoExpand")
    assert graph[expand]["inputs"]["tags"].split(",")[0] in sent[expand]
    if comfy.renderer == "nodes2":
        box = comfy.page.locator(f'[data-node-id="{expand}"] .tipo-text')
        assert box.is_visible() and box.inner_text().startswith(comfy.boxes()[expand])
    comfy.fit()
    screenshots.take(comfy)
    # The picture has its place, in the node and in its group.
    assert layout_of(comfy).overlaps() == []
    assert layout_of(comfy).outside_groups() == []
    assert comfy.alerts() == []
    assert comfy.console == []


def test_cached_nodes_show_their_texts(
    comfy: ComfyPage, browser: Browser, screenshots: Screenshots
) -> None:
    """In a new tab, and after a value was changed and changed back."""
    open_small_graph(comfy, seed_of(comfy))
    run_to_end(comfy)
    wait_for_all(comfy)
    first = comfy.boxes()
    with new_tab(browser, comfy.front_end, comfy.renderer) as tab:
        open_small_graph(tab, seed_of(comfy))
        assert not any(tab.boxes().values())
        assert not executed(run_to_end(tab))
        wait_for_boxes(tab, first)
        screenshots.take(tab)

        tab.set_widgets({"TipoSampler": {"steps": 3}})
        assert executed(run_to_end(tab))
        tab.wait_for(
            "old => app.graph.nodes.find(n => n.type === 'TipoSampler').tipoTextBox.value !== old",
            first[node_of(tab, "TipoSampler")],
        )
        tab.set_widgets({"TipoSampler": {"steps": 2}})
        run_to_end(tab)
        wait_for_boxes(tab, first, but=("TipoSampler", "TipoVaeDecode", "TipoSaveImage"))
        assert tab.console == []


def test_a_wrong_checkpoint_is_named(comfy: ComfyPage, screenshots: Screenshots) -> None:
    open_small_graph(comfy, seed_of(comfy))
    comfy.set_widgets({"CheckpointLoaderSimple": {"ckpt_name": MISSING}})
    comfy.queue()
    comfy.wait_for("name => document.body.innerText.includes(name)", MISSING)
    # ComfyUI names the value; a message of the pack says what to do.
    comfy.wait_for("help => document.body.innerText.includes(help)", "Choose one of yours there")
    screenshots.take(comfy)
    (alert,) = [text for text in comfy.alerts() if MISSING in text]
    assert "Load Checkpoint" in alert or "CheckpointLoaderSimple" in alert
    assert "ckpt_name" in alert


def executed(entry: dict[str, Any]) -> set[str]:
    """Return the nodes of a run that did not come from the server's cache."""
    cached = dict(entry["status"]["messages"])["execution_cached"]["nodes"]
    return set(entry["prompt"][2]) - set(cached)


def node_of(comfy: ComfyPage, node_type: str) -> str:
    (found,) = (node["id"] for node in comfy.our_nodes() if node["type"] == node_type)
    return str(found)


def wait_for_all(comfy: ComfyPage) -> None:
    """Wait until each box of the pack has a text."""
    comfy.wait_for(
        """() => app.graph.nodes.every(node => !(node.tipoTextBox ?? node.tipoResult)
             || node.tipoTextBox?.value || node.tipoResult?.state.results)"""
    )


def wait_for_boxes(comfy: ComfyPage, texts: dict[str, str], but: tuple[str, ...] = ()) -> None:
    """Wait until the boxes show these texts, those of the types in `but` apart."""
    comfy.wait_for(
        """([texts, but]) => Object.entries(texts).every(([id, text]) => {
             const node = app.graph.getNodeById(id)
             const prompts = () => (node.tipoResult.state.results ?? []).map(one => one.prompt)
             return but.includes(node.type)
               || (node.tipoTextBox?.value ?? prompts().join('\\n\\n')) === text })""",
        [texts, list(but)],
    )
