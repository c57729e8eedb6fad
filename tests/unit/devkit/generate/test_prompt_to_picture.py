"""The app and the blueprint: whole graphs, equal to the template that they are made from."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from devkit.generate.prompt_to_picture import APP, BLUEPRINT, SOURCE
from devkit.generate.templates import template
from devkit.setup.layout import this_checkout

ROOT = this_checkout().root


@pytest.fixture(scope="module")
def source() -> dict[str, Any]:
    return template(ROOT, SOURCE).read()


@pytest.fixture(scope="module")
def app() -> dict[str, Any]:
    return template(ROOT, APP).read()


@pytest.fixture(scope="module")
def blueprint() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / BLUEPRINT).read_text("utf-8"))
    return found


def subgraph_of(blueprint: dict[str, Any]) -> dict[str, Any]:
    (found,) = blueprint["definitions"]["subgraphs"]
    return dict(found)


def test_the_app_is_the_template_with_a_form(app: dict[str, Any], source: dict[str, Any]) -> None:
    assert app["extra"].pop("linearMode") is True
    form = app["extra"].pop("linearData")
    assert app["extra"] == source["extra"]
    by_id = {node["id"]: node for node in app["nodes"]}
    for node_id, name in form["inputs"]:
        assert name in [socket.get("widget", {}).get("name") for socket in by_id[node_id]["inputs"]]
    assert [name for _, name in form["inputs"]][:1] == ["tags"]
    assert [by_id[node_id]["type"] for node_id in form["outputs"]] == ["TipoSaveImage"]
    assert (app["links"], app["groups"]) == (source["links"], source["groups"])
    # A page that keeps both in its tabs tells them apart.
    assert app["id"] != source["id"]


def test_the_blueprint_is_one_node(blueprint: dict[str, Any]) -> None:
    (node,), subgraph = blueprint["nodes"], subgraph_of(blueprint)
    assert node["type"] == subgraph["id"] == str(uuid.UUID(subgraph["id"]))
    # The front end names both after the file.
    assert node["title"] == subgraph["name"] == BLUEPRINT.stem
    shown = ["tags", "tag_length", "ckpt_name", "width", "height", "seed"]
    assert [one["name"] for one in node["inputs"]] == shown
    assert [one["name"] for one in subgraph["inputs"]] == shown
    assert [(one["name"], one["type"]) for one in node["outputs"]] == [
        ("image", "IMAGE"),
        ("prompt", "STRING"),
    ]
    description = subgraph["description"]
    assert description == blueprint["extra"]["BlueprintDescription"]
    assert "Prompt in, picture out" in description and "提示词" in description


def test_every_link_of_the_blueprint_has_two_ends(blueprint: dict[str, Any]) -> None:
    subgraph = subgraph_of(blueprint)
    by_id = {node["id"]: node for node in subgraph["nodes"]}
    ends = {-10: subgraph["inputs"], -20: subgraph["outputs"]}
    for link in subgraph["links"]:
        number, kind = link["id"], link["type"]
        if link["origin_id"] == -10:
            assert number in ends[-10][link["origin_slot"]]["linkIds"]
        else:
            output = by_id[link["origin_id"]]["outputs"][link["origin_slot"]]
            assert number in output["links"] and output["type"] == kind
        if link["target_id"] == -20:
            assert number in ends[-20][link["target_slot"]]["linkIds"]
        else:
            socket = by_id[link["target_id"]]["inputs"][link["target_slot"]]
            assert (socket["link"], socket["type"]) == (number, kind)
    numbers = [link["id"] for link in subgraph["links"]]
    assert len(set(numbers)) == len(numbers) and max(numbers) == subgraph["state"]["lastLinkId"]
    held = [
        *(
            one
            for node in by_id.values()
            for output in node["outputs"]
            for one in output["links"] or ()
        ),
        *(one for end in subgraph["inputs"] for one in end["linkIds"]),
    ]
    assert sorted(held) == sorted(numbers)


def test_the_blueprint_draws_as_the_template_does(
    blueprint: dict[str, Any], source: dict[str, Any]
) -> None:
    """The same nodes with the same links, apart from those of the picture's file and the note."""
    inner = subgraph_of(blueprint)

    def wiring(nodes: list[dict[str, Any]], links: Any) -> set[tuple[Any, ...]]:
        kinds = {node["id"]: (node["type"], node["id"]) for node in nodes}
        return {
            (kinds[origin], slot, kinds[target], at)
            for origin, slot, target, at in links
            if origin in kinds and target in kinds
        }

    def ends(link: dict[str, Any]) -> tuple[int, ...]:
        return tuple(
            link[name] for name in ("origin_id", "origin_slot", "target_id", "target_slot")
        )

    left_out = ("TipoSaveImage", "MarkdownNote")
    kept = [node for node in source["nodes"] if node["type"] not in left_out]
    of_template = [node for node in inner["nodes"] if node["type"] != "PrimitiveInt"]
    assert wiring(of_template, map(ends, inner["links"])) == wiring(
        kept, (link[1:5] for link in source["links"])
    )
    # One seed for the language model and the sampler, which an input of the subgraph sets.
    (seed,) = (node for node in inner["nodes"] if node["type"] == "PrimitiveInt")
    targets = {node["type"]: node for node in inner["nodes"]}
    by_number = {link["id"]: link for link in inner["links"]}
    assert {by_number[number]["target_id"] for number in seed["outputs"][0]["links"]} == {
        targets[kind]["id"] for kind in ("TipoExpand", "TipoSampler")
    }
    assert by_number[seed["inputs"][0]["link"]]["origin_id"] == -10


def test_the_blueprint_is_for_a_checkpoint_of_the_users_own(blueprint: dict[str, Any]) -> None:
    assert "toy-sd" not in json.dumps(blueprint)
    values = {node["type"]: node["widgets_values"] for node in subgraph_of(blueprint)["nodes"]}
    # ComfyUI's error about a missing file repeats the name.
    assert values["CheckpointLoaderSimple"] == ["choose your checkpoint"]
    assert values["EmptyLatentImage"][:2] == [512, 512]
