"""Results of TIPO Expand in the history, on the websocket, pinned, and in stored workflows."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from devkit.server.graph_settings import the_node
from devkit.server.server import Server
from devkit.server.websocket_client import Client, Graph, GraphRejected, Outcome, RunFailed
from tests.front_end import read_png
from tests.host.graphs import inputs_of, text_only, texts
from tests.host.text.prompt_graphs import LIMIT, add, show, shown
from tests.unit.expansion.shown.documented import documented_keys

SHOWN = '{"tipo_result":1}'
MISSING = "a-model-that-is-not-here"


def expanded(client: Client, graph: Graph, **changes: Any) -> tuple[Graph, list[dict[str, Any]]]:
    small = text_only(graph, **{"seed": 3, **changes})
    return small, texts(small, client.run(small, timeout=LIMIT))


def test_the_history_has_the_documented_json(client: Client, graph: Graph) -> None:
    _, (result,) = expanded(client, graph, tags="1girl, \u732b", caption="A girl reads.")
    assert set(result) == documented_keys("TIPO Expand")
    assert (result["version"], result["pinned"]) == (1, False)
    spans = result["spans"]
    assert "".join(span["text"] for span in spans) == result["prompt"]
    assert [span["text"] for span in spans if span["origin"] == "user"] == [
        "1girl, \u732b",
        "A girl reads.",
    ]
    tags = [span["tag"] for span in spans if span["origin"] == "tag"]
    assert tags == ["cat", *result["added_tags"]]
    assert json.loads(json.dumps(result)) == result


def test_a_pinned_result_needs_no_model_file(client: Client, graph: Graph) -> None:
    small, results = expanded(client, graph, variants=2)
    previews = show(small, the_node(small, "TipoExpand"))
    fields = add(small, "TipoFields", expansion=[the_node(small, "TipoExpand"), 4])
    again = show(small, fields)
    before = client.run(small, timeout=LIMIT)
    pinned = copy.deepcopy(small)
    inputs_of(pinned, "TipoExpand").update(pinned=json.dumps(results), tags="other", seed=4)
    inputs_of(pinned, "TipoLoadModel")["model"] = MISSING
    messages: list[str] = []
    after = client.run(pinned, timeout=LIMIT, on_message=lambda kind, _: messages.append(kind))
    for found in (previews, again):
        assert shown(after, found) == shown(before, found)
    assert [one["pinned"] for one in texts(pinned, after)] == [True, True]
    assert [one["prompt"] for one in texts(pinned, after)] == [one["prompt"] for one in results]
    assert "tipo.draft" not in messages

    # Unpinned, the missing file is an error again.
    inputs_of(pinned, "TipoExpand")["pinned"] = ""
    with pytest.raises(GraphRejected, match=MISSING):
        client.queue(pinned)


def test_a_prompt_alone_can_be_pinned_and_a_wrong_value_is_named(
    client: Client, graph: Graph
) -> None:
    small, (result,) = expanded(client, graph, pinned='{"prompt": "1girl, red hat"}')
    assert (result["prompt"], result["tags"], result["pinned"]) == (
        *("1girl, red hat", "1girl, red hat"),
        True,
    )
    stored = {"tipo_result": 1, "pinned": False, "results": [{"prompt": "stored"}]}
    for is_pinned in (True, False):
        stored["pinned"] = is_pinned
        inputs_of(small, "TipoExpand")["pinned"] = json.dumps(stored)
        (result,) = texts(small, client.run(small, timeout=LIMIT))
        assert (result["prompt"] == "stored") == is_pinned
    inputs_of(small, "TipoExpand")["pinned"] = "1girl, red hat"
    with pytest.raises(RunFailed, match=r"pinned is no JSON .*history"):
        client.run(small, timeout=LIMIT)


def test_a_pinned_text_from_another_node_leaves_the_model_out(client: Client, graph: Graph) -> None:
    """The text is known when the node runs; the loader, whose file is there, does not run."""
    small = text_only(graph)
    text = add(small, "PrimitiveStringMultiline", value='{"prompt": "1girl"}')
    inputs_of(small, "TipoExpand")["pinned"] = [text, 0]
    inputs_of(small, "TipoLoadModel")["precision"] = "fp32"
    ran: list[str | None] = []
    outcome = client.run(
        small,
        timeout=LIMIT,
        on_message=lambda kind, data: ran.append(data["node"]) if kind == "executing" else None,
    )
    assert texts(small, outcome)[0]["prompt"] == "1girl"
    assert the_node(small, "TipoLoadModel") not in ran


def test_the_text_is_sent_while_it_is_written(client: Client, graph: Graph) -> None:
    small = text_only(
        graph, seed=71, pair_prior="off", tag_length="very_long", caption_length="very_long",
        at_least=True, caption="A girl",
    )  # fmt: skip
    sent: list[dict[str, Any]] = []
    outcome = client.run(
        small,
        timeout=LIMIT,
        on_message=lambda kind, data: sent.append(data) if kind == "tipo.draft" else None,
    )
    (result,) = texts(small, outcome)
    node = the_node(small, "TipoExpand")
    assert {(one["version"], one["node"], one["prompt_id"]) for one in sent} == {
        (1, node, outcome.prompt_id)
    }
    assert sent[0]["typed"] == [["1girl, cat ears", "A girl"]]
    assert all("typed" not in one for one in sent[1:])
    drafts = [one["drafts"][0] for one in sent]
    assert len(drafts) > 2
    # At most ten messages a second, the first one at the start.
    assert len(drafts) <= 10 * outcome.seconds[node] + 1
    last_tag = drafts[-1]["tags"].rpartition(", ")[0]
    assert last_tag and ", ".join(result["added_tags"]).startswith(last_tag)


def stored_workflow(server: Server, graph: Graph, outcome: Outcome) -> Any:
    """Return the workflow in the picture of a run."""
    (image,) = outcome.outputs[the_node(graph, "TipoSaveImage")]["images"]
    path: Path = server.base / "output" / image["subfolder"] / image["filename"]
    return json.loads(read_png(path.read_bytes())["workflow"])


def test_a_picture_stores_the_result_that_it_was_made_from(
    client: Client, server: Server, graph: Graph
) -> None:
    node = the_node(graph, "TipoExpand")
    other = {"id": 99, "type": "TipoExpand", "widgets_values": ["", SHOWN]}
    workflow = {
        "nodes": [{"id": int(node), "type": "TipoExpand", "widgets_values": ["a", 1, SHOWN]}, other]
    }
    outcome = client.run(graph, workflow, timeout=LIMIT)
    stored = stored_workflow(server, graph, outcome)
    first, second = (one["widgets_values"] for one in stored["nodes"])
    assert (first[:2], second) == (["a", 1], ["", SHOWN])
    assert json.loads(first[2]) == {
        "tipo_result": 1,
        "pinned": False,
        "results": outcome.outputs[node]["tipo"],
    }


@pytest.mark.parametrize("uses", [1, 2])
def test_a_node_in_a_subgraph_has_its_result(
    client: Client, server: Server, graph: Graph, uses: int
) -> None:
    """A definition that is used twice has one value for both."""
    node = the_node(graph, "TipoExpand")
    inputs_of(graph, "TipoExpand")["seed"] = uses
    text = json.dumps(graph).replace(f'["{node}", ', '["3:12", ').replace(f'"{node}": ', '"3:12": ')
    inner = {"id": 12, "type": "TipoExpand", "widgets_values": [SHOWN]}
    workflow = {
        "nodes": [{"id": 3 + place, "type": "sub"} for place in range(uses)],
        "definitions": {"subgraphs": [{"id": "sub", "nodes": [inner]}]},
    }
    stored = stored_workflow(server, json.loads(text), client.run(json.loads(text), workflow))
    (value,) = stored["definitions"]["subgraphs"][0]["nodes"][0]["widgets_values"]
    assert (value == SHOWN) == (uses == 2)


@pytest.mark.parametrize(
    "workflow",
    [{}, {"nodes": 1}, {"nodes": [1, {"id": 1}]}, {"nodes": [], "definitions": {"subgraphs": 5}}],
)
def test_a_damaged_workflow_does_not_stop_the_run(
    client: Client, graph: Graph, workflow: dict[str, Any]
) -> None:
    small = text_only(graph, seed=6, caption_length="none")
    assert texts(small, client.run(small, workflow, timeout=LIMIT))[0]["prompt"]
