"""The blueprint and the app "prompt in, picture out", and the notes of templates in Chinese."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

from devkit.generate.prompt_to_picture import APP, BLUEPRINT
from devkit.setup.toy_sd import NAME
from tests.browser.comfy_page import ComfyPage, FrontEnd, new_tab
from tests.browser.conftest import Screenshots
from tests.browser.graph_runs import run_to_end
from tests.browser.node_layout import wait_until_fitted
from tests.browser.template_files import FOLDER, PACK

# The first front end here that opens a workflow as an app; 1.32.9 opens the graph.
HAS_APP_MODE = (1, 49)
FORM = '[data-testid="linear-widgets"]'
COACH = '[data-testid="coach-landing"]'


@pytest.fixture
def tab(browser: Browser, front_end: FrontEnd, renderer: str) -> Iterator[ComfyPage]:
    """A tab of its own: the app mode would stay on in a shared one."""
    with new_tab(browser, front_end, renderer) as found:
        yield found


def version_of(tab: ComfyPage) -> tuple[int, ...]:
    text = tab.run("() => window.__COMFYUI_FRONTEND_VERSION__")
    return tuple(int(part) for part in text.split(".")[:2])


def open_app(tab: ComfyPage) -> Locator:
    """Open the app from its card, close the page's introduction to apps, and return the form."""
    tab.open_templates(PACK)
    tab.page.locator(f'[data-testid="template-workflow-{APP}"]').dispatch_event("click")
    form = tab.page.locator(FORM).first
    form.wait_for()
    coach = tab.page.locator(COACH)
    # A user sees it once: an earlier test of the same server may have closed it.
    with contextlib.suppress(PlaywrightTimeoutError):
        coach.wait_for(timeout=15_000)
        tab.page.keyboard.press("Escape")
        coach.wait_for(state="hidden")
    return form


def test_the_app_opens_and_draws(tab: ComfyPage, screenshots: Screenshots) -> None:
    if version_of(tab) < HAS_APP_MODE:
        tab.open_card(PACK, APP)
        wait_until_fitted(tab)
    else:
        form = open_app(tab)
        form.get_by_text("ckpt_name").first.wait_for()
        screenshots.take(tab, "form")
        # The text of the prompt can be typed.
        prompt = form.locator("textarea").first
        prompt.fill("potted plant, palm")
    tab.set_widgets({"EmptyLatentImage": {"width": 64, "height": 64}})
    tab.set_widgets({"TipoSampler": {"steps": 2}})
    entry = run_to_end(tab)
    screenshots.take(tab)
    (pictures,) = (one["images"] for one in entry["outputs"].values() if "images" in one)
    assert len(pictures) == 1
    if version_of(tab) >= HAS_APP_MODE:
        graph = entry["prompt"][2]
        (expand,) = (node for node in graph.values() if node["class_type"] == "TipoExpand")
        assert expand["inputs"]["tags"] == "potted plant, palm"
    assert tab.alerts() == []
    assert tab.console == []


# As the node library does when a blueprint is dropped on the canvas.
ADD = """data => {
  const { nodes, definitions } = JSON.parse(data)
  app.graph.clear()
  app.canvas._deserializeItems({ nodes, subgraphs: definitions.subgraphs }, { position: [0, 0] })
  return app.graph.nodes.length
}"""
CONNECT = """() => {
  const [node] = app.graph.nodes
  const saver = LiteGraph.createNode('TipoSaveImage')
  saver.pos = [600, 0]
  app.graph.add(saver)
  node.connect(node.outputs.findIndex(one => one.name === 'image'), saver, 'images')
  node.connect(node.outputs.findIndex(one => one.name === 'prompt'), saver, 'text')
}"""
SET = """values => {
  const [node] = app.graph.nodes
  for (const [name, value] of Object.entries(values)) {
    const widget = node.widgets.find(one => one.name === name || one.label === name)
    if (!widget) throw new Error(`no widget ${name}: ${node.widgets.map(one => one.name)}`)
    widget.value = value
  }
}"""


def test_the_blueprint_is_listed_and_draws(
    comfy: ComfyPage, screenshots: Screenshots, front_end: FrontEnd
) -> None:
    listed = front_end.get("/global_subgraphs")
    (key,) = [key for key, one in listed.items() if one["name"] == BLUEPRINT.stem]
    assert comfy.run(ADD, front_end.get(f"/global_subgraphs/{key}")["data"]) == 1
    comfy.run(CONNECT)
    values: dict[str, Any] = {
        "tags": f"potted plant, {comfy.renderer}",
        "tag_length": "very_short",
        "ckpt_name": NAME,
        "width": 64,
        "height": 64,
        "seed": 5,
    }
    comfy.run(SET, values)
    comfy.fit()
    screenshots.take(comfy, "before")
    entry = run_to_end(comfy)
    screenshots.take(comfy)
    graph = entry["prompt"][2]
    by_type = {node["class_type"]: node["inputs"] for node in graph.values()}
    expand = by_type["TipoExpand"]
    assert (expand["tags"], expand["tag_length"]) == (values["tags"], "very_short")
    assert by_type["CheckpointLoaderSimple"]["ckpt_name"] == NAME
    assert (by_type["EmptyLatentImage"]["width"], expand["metadata"]) == (64, "")
    assert expand["seed"] == by_type["TipoSampler"]["seed"]
    (pictures,) = (one["images"] for one in entry["outputs"].values() if "images" in one)
    assert len(pictures) == 1
    assert comfy.alerts() == []
    assert comfy.console == []


def test_a_search_finds_the_blueprint(comfy: ComfyPage, screenshots: Screenshots) -> None:
    """A double click on the canvas searches the nodes; the choice is on the canvas."""
    comfy.run("() => app.graph.clear()")
    canvas = comfy.page.locator("#graph-canvas")
    canvas.dblclick(position={"x": 700, "y": 450})
    comfy.page.keyboard.type("prompt to picture")
    comfy.page.get_by_text(BLUEPRINT.stem).first.wait_for()
    screenshots.take(comfy)
    comfy.page.keyboard.press("Enter")
    comfy.wait_for("() => app.graph.nodes.length === 1")
    assert comfy.run("() => app.graph.nodes[0].title") == BLUEPRINT.stem
    assert comfy.console == []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_note_is_in_the_pages_language(
    browser: Browser, front_end: FrontEnd, language: str, screenshots: Screenshots
) -> None:
    saved = json.loads((FOLDER / "Text to image.json").read_text("utf-8"))
    (english,) = (node for node in saved["nodes"] if node["type"] == "MarkdownNote")
    with new_tab(browser, front_end, "classic", **{"Comfy.Locale": language}) as tab:
        tab.load(saved)
        screenshots.take(tab)
        title, text = tab.run(
            """() => { const note = app.graph.nodes.find(n => n.type === 'MarkdownNote')
                 return [note.title, note.widgets[0].value] }"""
        )
        kept = tab.run("() => app.graph.serialize().extra")
    if language == "en":
        assert (title, text) == ("Start here", english["widgets_values"][0])
    else:
        assert (title, text) == ("从这里开始", saved["extra"]["tipo_suite_note_zh"])
    assert "tipo_suite_note_zh" not in kept
