"""Help pages and translations, as the page shows them in English and in Chinese."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from playwright.sync_api import Browser

from devkit.setup.layout import this_checkout
from tests.browser.comfy_page import ComfyPage, FrontEnd, new_tab
from tests.browser.conftest import Screenshots

ROOT = this_checkout().root
NODE = "TipoExpand"
# Older front ends overwrite the packs' Chinese with ComfyUI's own.
SHOWS_CHINESE_OF_PACKS = (1, 33, 13)

# `$te` is true for keys that the language itself has.
ASK = """keys => {
  const { $t, $te } = document.querySelector('#vue-app').__vue_app__.config.globalProperties
  return Object.fromEntries(keys.map(key => {
    try { return [key, $te(key) ? $t(key) : null] }
    catch (error) { return [key, `threw: ${error}`] }
  }))
}"""


@pytest.fixture(scope="module", params=["en", "zh"])
def language(request: pytest.FixtureRequest) -> str:
    """The language of the page."""
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def tab(browser: Browser, front_end: FrontEnd, language: str) -> Iterator[ComfyPage]:
    """A page in that language, with Nodes 2.0, which looks up more texts."""
    with ExitStack() as stack:
        found = new_tab(browser, front_end, "nodes2", **{"Comfy.Locale": language})
        yield stack.enter_context(found)


def flat(tree: Any, path: str = "") -> dict[str, str]:
    """Return the texts of a locale file by their keys."""
    if isinstance(tree, str):
        return {path: tree}
    return {
        key: text
        for name, branch in tree.items()
        for key, text in flat(branch, f"{path}.{name}" if path else name).items()
    }


def locale_texts(language: str) -> dict[str, str]:
    """Return all texts of locales/<language>, by the keys that the page uses."""
    found: dict[str, str] = {}
    for name, prefix in (("main", ""), ("nodeDefs", "nodeDefs"), ("settings", "settings")):
        path = ROOT / "locales" / language / f"{name}.json"
        if path.exists():
            found |= flat(json.loads(path.read_text("utf-8")), prefix)
    return found


def schema_texts(front_end: FrontEnd) -> dict[str, str]:
    """Return the texts of the nodes' schemas by the keys of a locale file."""
    found: dict[str, str] = {}
    for name, node in front_end.get("/object_info").items():
        if not name.startswith("Tipo"):
            continue
        here = f"nodeDefs.{name}"
        found |= {f"{here}.{key}": node[key] for key in ("display_name", "description")}
        declared = node["input"]
        for key, spec in (declared.get("required", {}) | declared.get("optional", {})).items():
            found[f"{here}.inputs.{key}.name"] = key
            found[f"{here}.inputs.{key}.tooltip"] = spec[1]["tooltip"]
        tips = node["output_tooltips"] or []
        for number, (key, tip) in enumerate(zip(node["output_name"], tips, strict=True)):
            found[f"{here}.outputs.{number}.name"] = key
            found[f"{here}.outputs.{number}.tooltip"] = tip
    return found


def version_of(tab: ComfyPage) -> tuple[int, ...]:
    text = tab.run("() => window.__COMFYUI_FRONTEND_VERSION__")
    return tuple(int(part) for part in text.split(".")[:3])


def test_each_key_gives_its_text(tab: ComfyPage, language: str) -> None:
    # An English file is not needed: without one the page shows the schemas' texts.
    expected = schema_texts(tab.front_end) | locale_texts(language)
    if language == "zh":
        written = {key for key in locale_texts("zh") if key.startswith("nodeDefs.")}
        assert written == set(schema_texts(tab.front_end))
    answers = tab.run(ASK, list(expected))
    if language == "zh" and version_of(tab) >= SHOWS_CHINESE_OF_PACKS:
        assert answers == expected
        return
    # Where the page has no text of its own, it shows the schema's.
    schemas = schema_texts(tab.front_end)
    wrong = {
        key: (answer, schemas.get(key))
        for key, answer in answers.items()
        if answer is not None and answer not in (schemas.get(key, answer), expected[key])
    }
    assert wrong == {}


def test_a_node_is_labelled_in_the_language(
    tab: ComfyPage, language: str, screenshots: Screenshots
) -> None:
    shown = tab.run(
        """type => {
          app.graph.clear()
          const node = LiteGraph.createNode(type)
          app.graph.add(node)
          app.canvas.centerOnNode(node)
          return { title: node.title,
                   inputs: Object.fromEntries(node.widgets.filter(w => w.name !== w.label)
                     .map(w => [w.name, w.label])) }
        }""",
        NODE,
    )
    tab.wait_for("() => document.querySelector('[data-node-id]')")
    screenshots.take(tab)
    schemas = schema_texts(tab.front_end)
    if language == "en" or version_of(tab) < SHOWS_CHINESE_OF_PACKS:
        assert shown["title"] == schemas[f"nodeDefs.{NODE}.display_name"]
        return
    chinese = locale_texts("zh")
    assert shown["title"] == chinese[f"nodeDefs.{NODE}.display_name"]
    for name in ("tags", "caption", "seed"):
        assert shown["inputs"][name] == chinese[f"nodeDefs.{NODE}.inputs.{name}.name"]


def test_help_page_opens(tab: ComfyPage, language: str, screenshots: Screenshots) -> None:
    path = ROOT / "web" / "docs" / (f"{NODE}.md" if language == "en" else f"{NODE}/zh.md")
    lines = path.read_text("utf-8").splitlines()
    heading = lines[0].removeprefix("# ")
    sentence = next(line for line in lines[1:] if line).split("`")[0].rstrip()
    tab.run(
        """type => {
          app.graph.clear()
          const node = LiteGraph.createNode(type)
          app.graph.add(node)
          app.canvas.centerOnNode(node)
          app.canvas.selectNode(node)
        }""",
        NODE,
    )
    # Dispatched, because a tall node's toolbox may lie under the tabs at the top.
    tab.page.locator('[data-testid="info-button"]').dispatch_event("click")
    help_page = tab.page.locator(".node-help-content")
    help_page.get_by_text(sentence, exact=False).first.wait_for()
    screenshots.take(tab)
    text = help_page.inner_text()
    assert heading in text
    # Tables are rendered, not shown as their source.
    assert "|---" not in text
    assert help_page.locator("table").count() >= 1
    assert tab.console == []
