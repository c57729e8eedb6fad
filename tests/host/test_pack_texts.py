"""What a person reads: tooltips, translations, help pages and workflow files fit the nodes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from devkit.client import Client
from devkit.graph import widget_names
from devkit.layout import this_checkout
from tests.host.graphs import NODE_IDS

ROOT = this_checkout().root
WORKFLOWS = sorted((ROOT / "workflows").glob("*.api.json"))


def read(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


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
    """What locales/en/nodeDefs.json says about a node: the schema's own texts."""
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


def test_english_locale_says_what_the_schemas_say(nodes: dict[str, Any]) -> None:
    english = read(ROOT / "locales" / "en" / "nodeDefs.json")
    assert english == {name: translation_of(node) for name, node in nodes.items()}


def test_chinese_locale_is_complete(nodes: dict[str, Any]) -> None:
    chinese = read(ROOT / "locales" / "zh" / "nodeDefs.json")
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


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name.split(".")[0])
def test_ui_and_api_form_of_a_workflow_are_the_same_graph(client: Client, path: Path) -> None:
    declared = client.object_info()
    api = read(path)
    ui = read(path.with_name(path.name.replace(".api.json", ".json")))
    links = {link[0]: link for link in ui["links"]}
    on_page = {}
    for node in ui["nodes"]:
        if node["type"] not in declared:
            assert node["type"] in ("MarkdownNote", "Note"), f"no such node: {node['type']}"
            continue
        names = widget_names(declared[node["type"]])
        assert len(names) == len(node["widgets_values"]), node["type"]
        values = dict(zip(names, node["widgets_values"], strict=True))
        inputs = {name: value for name, value in values.items() if ":" not in name}
        for socket in node["inputs"]:
            if socket.get("link") is not None:
                _, origin, slot, target, _, _ = links[socket["link"]]
                assert target == node["id"]
                inputs[socket["name"]] = [str(origin), slot]
        on_page[str(node["id"])] = (node["type"], inputs)
    assert on_page == {key: (node["class_type"], node["inputs"]) for key, node in api.items()}
    assert all(node["_meta"]["title"] for node in api.values())
    assert path.with_name(path.name.replace(".api.json", ".jpg")).stat().st_size < 100_000
