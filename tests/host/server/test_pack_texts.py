"""Tooltips, translations, help pages and templates match the nodes."""

from __future__ import annotations

import io
import json
import re
import urllib.request
from typing import Any
from urllib.parse import quote

import pytest
from PIL import Image

from devkit.generate.cards import SIDE
from devkit.generate.templates import Template, all_templates, api_form, as_text
from devkit.server.server import Server
from devkit.server.websocket_client import Client
from devkit.setup.layout import this_checkout
from tests.host.graphs import NODE_IDS

ROOT = this_checkout().root
TEMPLATES = all_templates(ROOT)


def fetched(server: Server, path: str) -> bytes:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{server.url}/{path}", timeout=30) as reply:
        content: bytes = reply.read()
    return content


def answer(server: Server, path: str) -> Any:
    return json.loads(fetched(server, path))


@pytest.fixture
def nodes(client: Client) -> dict[str, Any]:
    """The declarations of the pack's nodes."""
    found = {name: node for name, node in client.object_info().items() if name.startswith("Tipo")}
    assert set(found) == set(NODE_IDS)
    return found


def inputs_of(node: dict[str, Any]) -> dict[str, Any]:
    declared = node["input"]
    return declared.get("required", {}) | declared.get("optional", {})


def translation_of(node: dict[str, Any]) -> dict[str, Any]:
    """The entry of a node in nodeDefs.json, with the schema's own texts."""
    entry: dict[str, Any] = {
        "display_name": node["display_name"],
        "description": node["description"],
        "inputs": {
            name: {"name": name, "tooltip": spec[1]["tooltip"]}
            for name, spec in inputs_of(node).items()
        },
    }
    outputs = zip(node["output_name"], node["output_tooltips"], strict=True)
    named = {str(i): {"name": name, "tooltip": tip} for i, (name, tip) in enumerate(outputs)}
    return entry | ({"outputs": named} if named else {})


def test_every_input_and_output_is_explained(nodes: dict[str, Any]) -> None:
    unexplained = [
        f"{name}.{key}"
        for name, node in nodes.items()
        for key, spec in inputs_of(node).items()
        if not (len(spec) > 1 and spec[1].get("tooltip"))
    ]
    for name, node in nodes.items():
        tips = node["output_tooltips"] or []
        if len(tips) != len(node["output"]) or not all(tips):
            unexplained.append(f"{name}: outputs")
        if not node["description"]:
            unexplained.append(f"{name}: description")
    assert not unexplained


def test_chinese_locale_is_complete(nodes: dict[str, Any]) -> None:
    chinese = json.loads((ROOT / "locales" / "zh" / "nodeDefs.json").read_text("utf-8"))
    missing = []

    def compare(expected: Any, found: Any, path: str) -> None:
        if isinstance(expected, dict):
            if not isinstance(found, dict) or expected.keys() != found.keys():
                missing.append(path)
                return
            for key, value in expected.items():
                compare(value, found[key], f"{path}.{key}")
        elif path.endswith(("description", "tooltip")) and not re.search("[\u4e00-\u9fff]", found):
            missing.append(path)

    compare({name: translation_of(node) for name, node in nodes.items()}, chinese, "nodeDefs")
    assert not missing


@pytest.mark.parametrize("page", ["{}.md", "{}/zh.md"])
def test_help_page_names_every_input(nodes: dict[str, Any], page: str) -> None:
    for name, node in nodes.items():
        text = (ROOT / "web" / "docs" / page.format(name)).read_text("utf-8")
        unnamed = [key for key in inputs_of(node) if f"`{key}`" not in text]
        assert not unnamed, f"{page.format(name)} says nothing about {unnamed}"


def first_cells(page: str, heading: str) -> list[str]:
    """Return the first cells of the tables whose first column has this heading."""
    tables = re.findall(rf"^\| {heading} \|.*\n\|[-|]+\n((?:\|.*\n)+)", page, re.MULTILINE)
    return [row.removeprefix("| ").split(" | ")[0] for row in "".join(tables).splitlines()]


def test_chinese_help_page_has_the_labels_of_the_page(nodes: dict[str, Any]) -> None:
    """Newer front ends show the labels of locales/zh, older ones the ids: a page gives both."""
    chinese = json.loads((ROOT / "locales" / "zh" / "nodeDefs.json").read_text("utf-8"))
    wrong = []
    for name, node in nodes.items():
        page = (ROOT / "web/docs" / name / "zh.md").read_text("utf-8")
        labels = chinese[name]
        if not page.startswith(f"# {labels['display_name']}\n"):
            wrong.append(f"{name}: heading")

        def named(key: str, label: str) -> str:
            return f"`{key}`" if key == label else f"`{key}`\uff08{label}\uff09"

        inputs = {named(key, one["name"]) for key, one in labels["inputs"].items()}
        slots = enumerate(node["output_name"])
        outputs = {named(key, labels["outputs"][str(slot)]["name"]) for slot, key in slots}
        in_tables = {one for cell in first_cells(page, "输入") for one in cell.split("、")}
        wrong += [f"{name}: {one}" for one in inputs ^ in_tables]
        # An output may stand in a table or in the text.
        wrong += [f"{name}: {one}" for one in outputs if one not in page]
        wrong += [f"{name}: {one}" for one in {*first_cells(page, "输出")} - outputs]
    assert not wrong


def test_chinese_help_page_names_the_same_nodes(nodes: dict[str, Any]) -> None:
    chinese = json.loads((ROOT / "locales" / "zh" / "nodeDefs.json").read_text("utf-8"))
    unnamed = []
    for name in nodes:
        english, translated = (
            (ROOT / "web/docs" / page).read_text("utf-8")
            for page in (f"{name}.md", f"{name}/zh.md")
        )
        unnamed += [
            f"{name}: {chinese[other]['display_name']}"
            for other, node in nodes.items()
            if node["display_name"] in english and chinese[other]["display_name"] not in translated
        ]
    assert not unnamed


def test_the_page_gets_both_languages(server: Server) -> None:
    found = answer(server, "i18n")
    pack = "tipo-suite"
    for language in ("en", "zh"):
        assert found[language]["templateWorkflows"]["category"][pack] == "TIPO Suite"
    # In English the page takes the schemas' texts, which it shows as they are.
    assert "nodeDefs" not in found["en"]
    assert set(NODE_IDS) <= set(found["zh"]["nodeDefs"])


def test_template_browser_lists_each_template_with_its_card(server: Server) -> None:
    listed = answer(server, "workflow_templates")["tipo-suite"]
    assert sorted(listed) == [one.title for one in TEMPLATES]
    assert len(listed) == 16
    for title in listed:
        path = f"api/workflow_templates/tipo-suite/{quote(title)}"
        assert json.loads(fetched(server, f"{path}.json"))["nodes"]
        with Image.open(io.BytesIO(fetched(server, f"{path}.jpg"))) as card:
            # The browser shows cards in a square.
            assert card.format == "JPEG" and card.size == (SIDE, SIDE)


@pytest.mark.parametrize("one", TEMPLATES, ids=lambda one: one.name)
def test_api_form_is_that_of_the_template(client: Client, one: Template) -> None:
    made = as_text(api_form(one.read(), client.object_info()))
    assert made == one.api.read_text("utf-8"), "run: python3 dev.py generate"
