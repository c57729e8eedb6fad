"""Graphs of z-tipo and DanTagGen run after their migration, and by stand-ins."""

from __future__ import annotations

import json
import shutil
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from devkit.generate.templates import api_form
from devkit.server.server import Server
from devkit.server.websocket_client import Client, Graph
from tests.unit.migrate.old_graphs import TEXTS, Made, as_prompt, as_workflow
from tipo_core.lm.hub.catalog import shipped_model
from tipo_core.migrate.commands import migrate_values

LIMIT = 180.0
MODEL = "TIPO-100M"
FORM = "<|special|>,\n<|general|>,\n\n<|extended|>.\n\n<|quality|>"
VALUES: dict[str, Any] = {
    "tags": "1girl, masterpiece, (smile:1.2)",
    "nl_prompt": "A girl in the rain.",
    "ban_tags": "hat, .*background",
    "tipo_model": f"KBlueLeaf/{MODEL}",
    "format": FORM,
    "operation": "short_to_tag",
    "width": 832,
    "height": 1216,
    "temperature": 0.5,
    "top_p": 0.95,
    "min_p": 0.05,
    "top_k": 80,
    "tag_length": "very_short",
    "nl_length": "very_short",
    "seed": 1234,
    "device": "cpu",
}
DANTAGGEN = {
    **dict.fromkeys(("artist", "characters", "copyrights", "blacklist"), ""),
    **{"model": "KBlueLeaf/DanTagGen-beta", "special_tags": "1girl", "general": "tree, sky"},
    **{"rating": "safe", "target": "very_short", "width": 512, "height": 512},
    **{"escape_bracket": False, "temperature": 0.9},
}
# The previews of each node's outputs, by the id of the node.
SHOWN = {"1": ("TIPO", TEXTS), "3": ("TIPOFormat", TEXTS), "4": ("PromptDanTagGen", ("output",))}


@pytest.fixture(scope="module", autouse=True)
def _model_of_z_tipo(server: Server) -> Iterator[None]:
    """tipo-nano's files where z-tipo keeps its models, called like a published model."""
    folder = server.base / "models" / "kgen" / MODEL
    shutil.copytree(shipped_model().path, folder)
    yield
    shutil.rmtree(folder)


def old_graph() -> dict[str, Made]:
    def only(without: str) -> dict[str, Any]:
        return {name: value for name, value in VALUES.items() if name != without}

    both = {"full_output": ("2", 0), "addon_output": ("2", 1)}
    graph = {
        "1": Made("TIPO", only("operation")),
        "2": Made("TIPOOperation", only("format")),
        "3": Made("TIPOFormat", {"format": FORM}, links=both),
        "4": Made("PromptDanTagGen", DANTAGGEN),
    }
    for key, (_, outputs) in SHOWN.items():
        for slot, _ in enumerate(outputs):
            graph[f"{key}{slot}"] = Made("PreviewAny", {}, links={"source": (key, slot)})
    return graph


def texts(client: Client, graph: Graph) -> dict[str, str]:
    outcome = client.run(graph, timeout=LIMIT)
    return {
        f"{key}.{name}": outcome.outputs[f"{key}{slot}"]["text"][0]
        for key, (_, outputs) in SHOWN.items()
        for slot, name in enumerate(outputs)
    }


def migrated_prompt() -> Graph:
    migrated = migrate_values(as_prompt(old_graph()))
    assert migrated is not None
    assert {str(one) for one in migrated.lost} <= {
        str(one) for one in migrated.findings if "DanTagGen" in str(one)
    }
    graph: Graph = migrated.workflow
    return graph


@pytest.fixture(scope="module")
def expected(_model_of_z_tipo: None, server: Server) -> dict[str, str]:
    with Client(server.url) as client:
        return texts(client, migrated_prompt())


def test_each_output_has_its_meaning(expected: dict[str, str]) -> None:
    yours = "1girl,\n(smile:1.2),\n\nA girl in the rain.\n\nmasterpiece"
    for key in ("1", "3"):
        assert expected[f"{key}.user_prompt"] == yours
        plain = expected[f"{key}.unformatted_user_prompt"]
        assert plain == "1girl, masterpiece, (smile:1.2)\nA girl in the rain."
        prompt = expected[f"{key}.prompt"]
        assert len(prompt) > len(yours)
        assert prompt.startswith("1girl")
        assert prompt.endswith("masterpiece")
        whole = expected[f"{key}.unformatted_prompt"]
        assert whole.startswith("1girl, masterpiece, (smile:1.2), ")
        assert "\nA girl in the rain." in whole
    dan = expected["4.output"]
    assert dan.startswith("1girl, tree, sky, ")
    assert dan.endswith("masterpiece, newest, absurdres, safe")


def test_the_page_form_runs_like_the_api_form(client: Client, expected: dict[str, str]) -> None:
    workflow = as_workflow(old_graph())
    for node in workflow["nodes"]:
        node["mode"] = 0
    migrated = migrate_values(workflow)
    assert migrated is not None
    graph = api_form(migrated.workflow, client.object_info())
    found = texts(client, graph)
    # In the page, DanTagGen's node draws anew in each run: its control is in the page alone.
    assert found == expected


def test_a_migrated_model_is_found_where_z_tipo_keeps_it(server: Server, client: Client) -> None:
    graph = {
        "1": {
            "class_type": "TipoLoadModel",
            "inputs": {"model": MODEL, "device": "cpu", "precision": "auto"},
        },
        "2": {"class_type": "PreviewAny", "inputs": {"source": ["1", 1]}},
    }
    (report,) = client.run(graph, timeout=LIMIT).outputs["2"]["text"]
    assert str(server.base / "models" / "kgen" / MODEL) in report


def fetched(server: Server, path: str, body: Any = None) -> Any:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    data = None if body is None else json.dumps(body).encode()
    with opener.open(f"{server.url}/{path}", data, timeout=60) as reply:
        return json.load(reply)


def test_the_page_converts_by_the_servers_route(server: Server) -> None:
    workflow = as_workflow(old_graph())
    reply = fetched(server, "tipo/migrate", workflow)
    migrated = migrate_values(workflow)
    assert migrated is not None
    assert reply["workflow"] == json.loads(json.dumps(migrated.workflow))
    assert reply["replaced"] == 4
    assert any("tipo-nano runs in its place" in text and lost for text, lost in reply["notes"])
    wrongs: list[Any] = [[], {"nodes": 7}, "text"]
    for wrong in wrongs:
        with pytest.raises(urllib.error.HTTPError) as refused:
            fetched(server, "tipo/migrate", wrong)
        assert refused.value.code == 400
        assert "no workflow" in json.load(refused.value)["error"]


def stand_ins_of(graph: Graph) -> Graph:
    names = {
        "TIPO": "TipoStandIn",
        "TIPOOperation": "TipoStandInOperation",
        "TIPOFormat": "TipoStandInFormat",
        "PromptDanTagGen": "TipoStandInDanTagGen",
    }
    return {
        key: {**node, "class_type": names.get(node["class_type"], node["class_type"])}
        for key, node in graph.items()
    }


def test_stand_ins_give_the_same_texts(client: Client, expected: dict[str, str]) -> None:
    assert texts(client, stand_ins_of(as_prompt(old_graph()))) == expected


def test_missing_nodes_are_replaced_by_a_comfyui_that_can(
    server: Server, client: Client, expected: dict[str, str]
) -> None:
    try:
        known = fetched(server, "node_replacements")
    except urllib.error.HTTPError as error:
        assert error.code == 404
        pytest.skip("this ComfyUI replaces no nodes")
    assert known["TIPO"][0]["new_node_id"] == "TipoStandIn"
    assert known["TIPO"][0]["old_widget_ids"][13:16] == ["seed", "control_after_generate", "device"]
    assert texts(client, as_prompt(old_graph())) == expected
