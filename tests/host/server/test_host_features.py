"""Declarations for newer hosts: aliases, folded inputs, kept texts."""

from __future__ import annotations

from typing import Any

import pytest

from devkit.server.websocket_client import Client
from tests.host.graphs import NODE_IDS, TEXT_NODES

REPORTS = (
    *("TipoLoadModel", "TipoClipSkipEncode", "TipoSampler", "TipoLoadVae"),
    *("TipoVaeDecode", "TipoVaeEncode", "TipoLoraPrompt", "TipoSweepModels"),
    *("TipoDreamBoothDataset", "TipoClassImages", "TipoDreamBoothTrain", "TipoDreamBoothEvaluate"),
)
# Words that people type who do not know our names.
SEARCHED = {
    "TipoExpand": ("prompt enhance", "prompt upsample"),
    "TipoSplitPrompt": ("wildcard",),
    "TipoSaveImage": ("save webp",),
    "TipoClipSkipEncode": ("clip skip",),
    "TipoSweep": ("xy plot",),
}


@pytest.fixture
def nodes(client: Client) -> dict[str, Any]:
    """The declarations of the pack's nodes."""
    info = client.object_info()
    return {name: info[name] for name in NODE_IDS}


@pytest.fixture
def is_newer(client: Client) -> bool:
    """Whether this host knows of intermediate outputs, asked of one of its own nodes."""
    return "has_intermediate_output" in client.object_info()["KSampler"]


def inputs_of(node: dict[str, Any]) -> dict[str, Any]:
    return node["input"].get("required", {}) | node["input"].get("optional", {})


def test_text_nodes_are_outputs_only_where_nothing_else_keeps_their_text(
    nodes: dict[str, Any], is_newer: bool
) -> None:
    outputs = {name for name, node in nodes.items() if node["output_node"]}
    makers = {"TipoGrid", "TipoSaveImage", "TipoDreamBoothTrain", "TipoDreamBoothEvaluate"}
    assert outputs == makers | (set() if is_newer else set(TEXT_NODES))
    if is_newer:
        kept = {name for name, node in nodes.items() if node["has_intermediate_output"]}
        assert kept == {*TEXT_NODES, *REPORTS}


def test_expand_shows_seven_inputs(nodes: dict[str, Any], is_newer: bool) -> None:
    if not is_newer:
        pytest.skip("this ComfyUI folds no inputs")
    shown = [
        name for name, spec in inputs_of(nodes["TipoExpand"]).items() if not spec[1].get("advanced")
    ]
    # The last one is the box of the result.
    assert shown == [
        *("model", "tags", "caption", "tag_length", "caption_length", "seed", "variants"),
        "pinned",
    ]


def test_nodes_are_found_by_other_words(nodes: dict[str, Any], is_newer: bool) -> None:
    if not is_newer:
        pytest.skip("this ComfyUI knows no aliases")
    assert all(node["search_aliases"] for node in nodes.values())
    for name, words in SEARCHED.items():
        assert set(words) <= set(nodes[name]["search_aliases"])


def test_older_hosts_get_nothing_that_they_do_not_know(
    nodes: dict[str, Any], is_newer: bool
) -> None:
    newer = {"search_aliases", "essentials_category", "has_intermediate_output"}
    assert is_newer or not any(newer & node.keys() for node in nodes.values())
