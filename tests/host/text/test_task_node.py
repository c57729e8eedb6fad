"""TIPO Single Task: every task, its inputs, and errors of it and of TIPO Ban Rules."""

from __future__ import annotations

from typing import Any

import pytest

from devkit.server.websocket_client import Client, GraphRejected, RunFailed
from tests.host.graphs import ended
from tests.host.text.prompt_graphs import LIMIT, add, show, shown, task_inputs, with_model


def test_every_task_keeps_what_was_given_and_fills_the_rest(client: Client) -> None:
    given = {"tags": "1girl, (cat ears:1.2)", "short": "A girl reads.", "long": "A girl sits."}
    tasks = {
        "tags": ("tags",),
        "tag_to_long": ("tags", "long"),
        "long_to_tag": ("long", "tags"),
        "short_to_tag": ("short", "tags"),
        "short_to_long": ("short", "long"),
        "short_to_tag_to_long": ("short", "tags", "long"),
        "short_to_long_to_tag": ("short", "long", "tags"),
        "tag_to_short_to_long": ("tags", "short", "long"),
    }
    graph, model = with_model()
    nodes, previews = {}, {}
    for task, fields in tasks.items():
        first = {fields[0]: given[fields[0]]}
        inputs = task_inputs(task=task, **first)
        nodes[task] = add(graph, "TipoTask", model=model, **inputs)
        previews[task] = show(graph, nodes[task])
    outcome = client.run(ended(graph), timeout=LIMIT)
    for task, fields in tasks.items():
        texts_of = {name: text for name, (text,) in shown(outcome, previews[task]).items()}
        assert texts_of[fields[0]].startswith(given[fields[0]]), task
        for name in ("tags", "short", "long"):
            assert bool(texts_of[name]) == (name in fields), (task, name)
        (result,) = outcome.outputs[nodes[task]]["tipo"]
        assert texts_of["added"] == "\n".join(text for text in result["added"].values() if text)
        assert texts_of["added"], task
        token = f"<|{task}|>"
        assert (token in texts_of["request"]) == (task != "tags")
        assert ("<|very_short|>" in texts_of["request"]) == (task != "short_to_long")
        (text,) = outcome.outputs[nodes[task]]["text"]
        assert text.startswith(f"{fields[0]}: {texts_of[fields[0]]}\n") or len(fields) == 1
        assert f"{fields[-1]}: {texts_of[fields[-1]]}" in text


def test_a_task_takes_options_bans_and_metadata_and_repeats_by_its_seed(client: Client) -> None:
    graph, model = with_model()
    bans = add(graph, "TipoBans", rules="*hair, /eyes$/", try_on="")
    options = {"temperature": 0.9, "top_p": 1.0, "min_p": 0.0, "top_k": 0}
    drawn = add(graph, "TipoOptions", **options, repetition_penalty=1.2, max_new_tokens=64)
    links = {"model": model, "options": [drawn, 0], "ban_rules": [bans, 0]}
    meta = {"metadata": "Rating = general\nartist: wlop", "gen_meta": True}
    node = add(graph, "TipoTask", **task_inputs(tags="1girl"), **links, **meta)
    previews = show(graph, node)
    results = []
    for seed in (5, 6, 5):
        graph[node]["inputs"]["seed"] = seed
        results.append(shown(client.run(ended(graph), timeout=LIMIT), previews))
    assert results[0] == results[2]
    assert results[0]["tags"] != results[1]["tags"]
    (request,) = results[0]["request"]
    assert request.startswith("rating: general\nartist: wlop\ntarget: <|very_short|> <|gen_meta|>")
    (added,) = results[0]["added"]
    assert added
    for tag in added.split(", "):
        assert not tag.endswith(("hair", "eyes")), tag


WRONG = [
    ("TipoBans", {"rules": "hat, /(red|blue/", "try_on": ""}, r"/\(red\|blue/"),
    ("TipoBans", {"rules": "@no_such_group", "try_on": ""}, r"@no_such_group.*@artist"),
    ("TipoTask", task_inputs(task="tag_to_song"), r"tag_to_song.*tag_to_short_to_long"),
    ("TipoTask", task_inputs(length="enormous"), r"enormous.*very_short.*very_long"),
    ("TipoBans", {"rules": "", "try_on": "\ud83d"}, "try_on has a lone surrogate"),
    ("TipoSplitPrompt", {"text": "a\udc80"}, "text has a lone surrogate, U.DC80, at character 2"),
    ("TipoTask", task_inputs(short="\ud83d"), "short has a lone surrogate"),
    ("TipoTask", task_inputs(metadata="artist: \ud83d"), "metadata has a lone surrogate"),
    ("TipoTask", task_inputs(metadata="mood: sad"), r"mood: sad.*rating.*aspect ratio"),
]


@pytest.mark.parametrize(("class_type", "inputs", "message"), WRONG)
def test_a_wrong_input_is_quoted_with_the_choices_at_its_node(
    client: Client, class_type: str, inputs: dict[str, Any], message: str
) -> None:
    graph, model = with_model()
    links = {"model": model} if class_type == "TipoTask" else {}
    add(graph, class_type, **inputs, **links)
    # Newer ComfyUI versions refuse the unknown value of a combo before the run.
    with pytest.raises((RunFailed, GraphRejected), match=rf"(?s){class_type}.*{message}"):
        client.run(ended(graph), timeout=LIMIT)
