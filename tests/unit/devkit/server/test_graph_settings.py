"""Settings of a graph: the node, the value, and the same value in the UI form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from devkit.messages import StepError
from devkit.server.graph_settings import (
    apply_settings,
    combo_options,
    load_graph,
    set_widget,
    widget_names,
)
from devkit.server.websocket_client import Graph
from tipo_core.comfy_api.http_client import rejection


@pytest.fixture
def graph() -> Graph:
    """Two samplers and a loader."""
    return {
        "1": {"class_type": "Loader", "inputs": {"name": "a"}},
        "2": {"class_type": "Sampler", "inputs": {"steps": 4, "text": "x"}},
        "3:7": {"class_type": "Sampler", "inputs": {"steps": 5}},
    }


@pytest.mark.parametrize(
    ("setting", "node", "name", "value"),
    [
        ("2.steps=12", "2", "steps", 12),
        ("3:7.steps=0.5", "3:7", "steps", 0.5),
        ("2.text=a cat, 1.5 m", "2", "text", "a cat, 1.5 m"),
        ("2.text=a=b.c", "2", "text", "a=b.c"),
        ('2.text="12"', "2", "text", '"12"'),
        ("2.text=12", "2", "text", "12"),
        ("2.text=null", "2", "text", "null"),
        ('2.text=["1girl", "hat"]', "2", "text", '["1girl", "hat"]'),
        ("Loader.name=b", "1", "name", "b"),
    ],
)
def test_settings(graph: Graph, setting: str, node: str, name: str, value: object) -> None:
    apply_settings(graph, [setting])
    assert graph[node]["inputs"][name] == value


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("9.steps=1", ["there is no node '9'", "2 (Sampler)"]),
        ("Sampler.steps=1", ["2 nodes are of type Sampler", "3:7 (Sampler)"]),
        ("2.stepz=1", ["no input 'stepz'", "steps, text"]),
        ("2steps", ["NODE.INPUT=VALUE", "--set 3.steps=12"]),
    ],
)
def test_wrong_settings_list_what_exists(graph: Graph, setting: str, words: list[str]) -> None:
    with pytest.raises(StepError) as caught:
        apply_settings(graph, [setting])
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"nodes": [], "links": []}', "Export (API)"),
        ("{", "is not JSON"),
        ('{"1": {"inputs": {}}}', "class_type"),
        ("[1]", "class_type"),
    ],
)
def test_files_that_are_no_api_graph(tmp_path: Path, content: str, words: str) -> None:
    path = tmp_path / "g.json"
    path.write_text(content)
    with pytest.raises(StepError) as caught:
        load_graph(path)
    assert words in str(caught.value)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(StepError, match="there is no file"):
        load_graph(tmp_path / "g.json")


# As /object_info has it: a socket, a classic seed, both forms of a combo, a forced input.
DECLARATION: dict[str, Any] = {
    "input": {
        "required": {
            "model": ["MODEL"],
            "seed": ["INT", {"default": 0}],
            "sampler": [["euler", "ddim"], {}],
            "text": ["STRING", {"forceInput": True}],
        },
        "optional": {
            "late": ["COMBO", {"options": ["a", "b"]}],
            "plain": ["INT", {}],
            "drawn": ["INT", {"control_after_generate": True}],
            "last": ["FLOAT", {}],
        },
    },
    "input_order": {
        "required": ["model", "seed", "sampler", "text"],
        "optional": ["late", "plain", "drawn", "last"],
    },
}


def test_widgets_are_in_the_pages_order() -> None:
    assert widget_names(DECLARATION) == [
        "seed",
        "seed:control_after_generate",
        "sampler",
        "late",
        "plain",
        "drawn",
        "drawn:control_after_generate",
        "last",
    ]


def test_a_widget_is_set_by_its_place() -> None:
    values = [0, "fixed", "euler", "a", 1, 2, "fixed", 0.5]
    workflow = {"nodes": [{"id": 4, "type": "N", "widgets_values": values}]}
    set_widget(workflow, {"N": DECLARATION}, "4", "last", 0.75)
    set_widget(workflow, {"N": DECLARATION}, "4", "sampler", "ddim")
    assert values == [0, "fixed", "ddim", "a", 1, 2, "fixed", 0.75]


def test_combo_choices_in_both_forms() -> None:
    assert combo_options([["a", "b"]]) == ["a", "b"]
    assert combo_options(["COMBO", {"options": ["c"]}]) == ["c"]


def test_a_rejection_names_node_input_and_reason() -> None:
    body = json.loads(
        """{"error": {"message": "Prompt outputs failed validation"},
        "node_errors": {"4": {"class_type": "TipoLoadModel", "errors": [
        {"message": "Value not in list", "details": "model: 'x' not in ['tipo-nano']"}]}}}"""
    )
    assert rejection(body) == (
        "node 4 (TipoLoadModel): Value not in list (model: 'x' not in ['tipo-nano'])"
    )
    assert rejection({"error": {"message": "no prompt"}}) == "no prompt"
