"""Graphs through /prompt and the websocket: success, variants, seeds, queueing, cancelling."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from devkit.server.graph_run import pictures_of
from devkit.server.graph_settings import the_node
from devkit.server.server import Server
from devkit.server.websocket_client import Client, Graph, RunInterrupted
from tests.host.graphs import inputs_of, text_only, texts

LIMIT = 240.0


def test_text_to_image_makes_a_picture_that_restores_the_graph(
    client: Client, server: Server, graph: Graph, repository: Path
) -> None:
    path = repository / "workflows" / "Text to image.json"
    workflow = json.loads(path.read_text("utf-8"))
    inputs_of(graph, "TipoExpand")["seed"] = 4242  # nothing of an earlier test is in the cache
    outcome = client.run(graph, workflow, timeout=LIMIT)
    (picture,) = pictures_of(outcome, server.base)
    (text,) = texts(graph, outcome)
    assert text["prompt"] and text["added"]
    with Image.open(picture) as image:
        assert image.size == (64, 64)
        saved = json.loads(image.info["prompt"])
        # ComfyUI adds its own "is_changed" to the inputs of some nodes; no model path is in it.
        for folder in (server.base, repository):
            assert json.dumps(str(folder))[1:-1] not in image.info["prompt"]
        assert {node: saved[node]["inputs"] for node in saved} == {
            node: graph[node]["inputs"] for node in graph
        }
        assert json.loads(image.info["workflow"]) == workflow
        assert text["prompt"] in image.info["parameters"]
        low, high = image.convert("L").getextrema()
    # Noise, and not the one colour that a broken decode leaves.
    assert high - low > 50
    assert outcome.seconds[the_node(graph, "TipoExpand")] > 0


def test_the_users_tags_come_first_and_unchanged(client: Client, graph: Graph) -> None:
    small = text_only(graph, tags="1girl, (cat ears:1.3), blue_eyes", tag_length="short")
    (text,) = texts(small, client.run(small, timeout=LIMIT))
    for tag in ("1girl", "(cat ears:1.3)", "blue_eyes"):
        assert tag in text["prompt"]


def test_two_variants_make_two_texts_and_two_pictures(
    client: Client, server: Server, graph: Graph
) -> None:
    inputs_of(graph, "TipoExpand")["variants"] = 2
    outcome = client.run(graph, timeout=LIMIT)
    first, second = texts(graph, outcome)
    assert first["prompt"] != second["prompt"]
    pictures = pictures_of(outcome, server.base)
    assert len(set(pictures)) == 2
    for picture, text in zip(pictures, (first, second), strict=True):
        with Image.open(picture) as image:
            assert text["prompt"] in image.info["parameters"]


def test_two_prompts_queued_at_once_get_their_own_texts(client: Client, graph: Graph) -> None:
    cat = text_only(graph, tags="1girl, cat ears", seed=1)
    dog = text_only(copy.deepcopy(graph), tags="no humans, dog, scenery", seed=2)
    first, second = client.queue(cat), client.queue(dog)
    (cat_text,) = texts(cat, client.follow(first, timeout=LIMIT))
    (dog_text,) = texts(dog, client.follow(second, timeout=LIMIT))
    assert "cat ears" in cat_text["prompt"] and "scenery" not in cat_text["prompt"].split(", ")[:2]
    assert "no humans" in dog_text["prompt"] and "cat ears" not in dog_text["prompt"]
    assert cat_text["seed"] == 1 and dog_text["seed"] == 2


def test_seed_zero_is_a_seed(client: Client, graph: Graph) -> None:
    """It gives the same text again, after another seed ran, and another text than seed 1."""
    prompts = []
    for seed in (0, 1, 0):
        small = text_only(copy.deepcopy(graph), seed=seed, tag_length="long")
        (text,) = texts(small, client.run(small, timeout=LIMIT))
        prompts.append(text["prompt"])
    assert prompts[0] == prompts[2]
    assert prompts[0] != prompts[1]


def test_two_server_processes_give_the_same_text(
    client: Client, graph: Graph, restart_server: Callable[..., Server]
) -> None:
    small = text_only(graph, seed=7, variants=2, tag_length="short", caption_length="short")
    here = texts(small, client.run(small, timeout=LIMIT))
    other = restart_server()
    try:
        with Client(other.url) as second:
            there = texts(small, second.run(small, timeout=LIMIT))
    finally:
        other.stop()
    assert [text["prompt"] for text in here] == [text["prompt"] for text in there]


@pytest.mark.parametrize("class_type", ["TipoExpand", "TipoSampler"])
def test_cancel_in_the_middle_and_run_again(
    client: Client, server: Server, graph: Graph, class_type: str
) -> None:
    long = copy.deepcopy(graph)
    expand = {"tag_length": "very_long", "caption_length": "very_long", "variants": 4, "seed": 11}
    if class_type == "TipoExpand":
        inputs_of(long, "TipoExpand").update(expand)
    else:
        inputs_of(long, "TipoSampler").update(steps=500, seed=11)
    node = the_node(long, class_type)
    cancelled: list[int] = []

    def cancel_once_it_is_going(kind: str, data: dict[str, Any]) -> None:
        going = kind == "progress" and data["node"] == node and data["value"] >= 2
        if going and not cancelled:
            cancelled.append(data["value"])
            client.interrupt()

    with pytest.raises(RunInterrupted) as caught:
        client.run(long, on_message=cancel_once_it_is_going, timeout=LIMIT)
    assert caught.value.node_id == node

    again = client.run(graph, timeout=LIMIT)
    assert len(pictures_of(again, server.base)) == 1
