"""TIPO Expand and TIPO Format: options, repeats, shortfalls, names, and errors."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from devkit.server.graph_settings import the_node
from devkit.server.websocket_client import Client, Graph, GraphRejected, RunFailed
from tests.host.graphs import ended, inputs_of, text_only, texts
from tests.host.text.prompt_graphs import LIMIT, add


def test_a_graph_from_before_the_new_inputs_still_runs(client: Client, graph: Graph) -> None:
    new = ("options", "ban_rules", "metadata", "gen_meta", "rounds", "escape_names")
    small = text_only(graph, seed=31)
    now = texts(small, client.run(ended(small), timeout=LIMIT))
    for name in (*new, "resolve_choices", "translation"):
        inputs_of(small, "TipoExpand").pop(name, None)
    before = texts(small, client.run(ended(small), timeout=LIMIT))
    assert [text["prompt"] for text in before] == [text["prompt"] for text in now]


def test_linked_options_replace_the_widgets_and_repeats_are_told(
    client: Client, graph: Graph
) -> None:
    """Without chance the second variant is the first again, which the node says."""
    small = text_only(graph, temperature=0.0, variants=2, caption_length="none", pair_prior="off")
    here = client.run(ended(small), timeout=LIMIT)
    first, second = texts(small, here)
    assert second["repeats"] == 0 and second["prompt"] == first["prompt"]
    (text,) = here.outputs[the_node(small, "TipoExpand")]["text"]
    assert text.count("(equal to #1, draws: ") == 1

    linked = copy.deepcopy(small)
    options = {"temperature": 0.0, "top_p": 0.95, "min_p": 0.05, "top_k": 80}
    penalty = {"repetition_penalty": 1.17, "max_new_tokens": 512}
    node = add(linked, "TipoOptions", **options, **penalty)
    inputs_of(linked, "TipoExpand").update(temperature=1.5, top_k=0, options=[node, 0])
    there = texts(linked, client.run(ended(linked), timeout=LIMIT))
    assert [text["prompt"] for text in there] == [first["prompt"], second["prompt"]]


def test_the_node_says_what_fell_short_and_why(client: Client, graph: Graph) -> None:
    small = text_only(graph, tags="1girl", bans="/[aeiou]/", caption_length="none", at_least=True)
    outcome = client.run(ended(small), timeout=LIMIT)
    (variant,) = texts(small, outcome)
    assert variant["added_tags"] == [] or all(
        not set(tag) & set("aeiou") for tag in variant["added_tags"]
    )
    (report,) = variant["passes"]
    assert not report["reached"]
    (text,) = outcome.outputs[the_node(small, "TipoExpand")]["text"]
    assert f"(tags: {report['count']} of 6-18, {report['reason']}, answers: " in text
    assert f"(banned by '/[aeiou]/': {variant['banned']['/[aeiou]/']})" in text


@pytest.mark.parametrize(
    ("translation", "prompt"),
    [
        ("off", "(\u732b:1.2), \u9f1e"),
        ("model_only", "(\u732b:1.2), \u9f1e"),
        ("add_tags", "(\u732b:1.2), \u9f1e, cat"),
        ("replace", "(cat:1.2), \u9f1e"),
    ],
)
def test_the_node_names_the_words_of_other_languages(
    client: Client, graph: Graph, translation: str, prompt: str
) -> None:
    lengths = {"tag_length": "none", "caption_length": "none"}
    small = text_only(graph, tags="(\u732b:1.2), \u9f1e", translation=translation, **lengths)
    outcome = client.run(ended(small), timeout=LIMIT)
    (variant,) = texts(small, outcome)
    assert variant["prompt"] == prompt
    (text,) = outcome.outputs[the_node(small, "TipoExpand")]["text"]
    notes = "(dictionary: \u732b = cat)\n(not in the dictionary: \u9f1e)"
    assert (notes in text) == (translation != "off")


@pytest.mark.parametrize(
    ("escape_names", "written"),
    [(True, "hatsune miku \\(append\\), (cat ears:1.2)"), (False, None)],
)
def test_names_are_escaped_unless_that_is_off(
    client: Client, graph: Graph, escape_names: bool, written: str | None
) -> None:
    tags = "hatsune miku (append), (cat ears:1.2)"
    lengths = {"tag_length": "none", "caption_length": "none"}
    small = text_only(graph, tags=tags, escape_names=escape_names, **lengths)
    (variant,) = texts(small, client.run(ended(small), timeout=LIMIT))
    assert variant["prompt"] == (written or tags)


def test_choices_are_resolved_by_the_seed_on_request(client: Client, graph: Graph) -> None:
    typed = {"tags": "1girl, {red|blue|{green|grey}} dress, k-on!", "caption": "A {x} // note"}
    lengths = {"tag_length": "none", "caption_length": "none"}
    kept = text_only(copy.deepcopy(graph), seed=5, **typed, **lengths)
    drawn = text_only(graph, variants=4, seed=5, resolve_choices=True, **typed, **lengths)
    (variant, *_) = texts(kept, client.run(ended(kept), timeout=LIMIT))
    assert (variant["tags"], variant["caption"]) == tuple(typed.values())
    variants = texts(drawn, client.run(ended(drawn), timeout=LIMIT))
    prompts = [variant["prompt"] for variant in variants]
    dresses = {prompt.split(", ")[1].split()[0] for prompt in prompts}
    assert dresses <= {"red", "blue", "green", "grey"} and len(dresses) > 1
    assert all(prompt.startswith("1girl, ") and "A x" in prompt for prompt in prompts)
    node = add(drawn, "TipoFormat", expansion=[the_node(drawn, "TipoExpand"), 4],
               preset="custom", template="<|user|>, <|rating|>")  # fmt: skip
    outcome = client.run(ended(drawn), timeout=LIMIT)
    assert outcome.outputs[node]["text"] == [variant["fields"]["user"] for variant in variants]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tags": "a \ud83d"}, "tags has a lone surrogate, U.D83D, at character 3"),
        ({"caption": "\ud83d"}, "caption has a lone surrogate"),
        ({"template": "\ud83d <|user|>"}, "template has a lone surrogate"),
        ({"bans": "\ud83d"}, "bans has a lone surrogate"),
        ({"metadata": "rating general"}, r"rating general.*key: value.*copyrights"),
        ({"bans": "@colours"}, r"@colours.*@artist"),
        ({"template": "<|user|> <|mood|>"}, r"<\|mood\|>.*<\|user\|>"),
    ],
)
def test_a_wrong_text_in_expand_is_quoted(
    client: Client, graph: Graph, changes: dict[str, Any], message: str
) -> None:
    small = text_only(graph, **{"tag_length": "none", "caption_length": "none", **changes})
    with pytest.raises(RunFailed, match=rf"(?s)TipoExpand.*{message}"):
        client.run(ended(small), timeout=LIMIT)


@pytest.mark.parametrize(
    ("preset", "message"),
    [
        ("custom", r"<\|mood\|>.*<\|extended\|>"),
        ("tags last", r"tags last.*(custom.*NL only|NL only.*custom)"),
    ],
)
def test_format_names_the_known_fields_and_presets(
    client: Client, graph: Graph, preset: str, message: str
) -> None:
    small = text_only(graph, tag_length="none", caption_length="none")
    expansion = [the_node(small, "TipoExpand"), 4]
    add(small, "TipoFormat", expansion=expansion, preset=preset, template="<|mood|>")
    with pytest.raises((RunFailed, GraphRejected), match=rf"(?s)TipoFormat.*{message}"):
        client.run(ended(small), timeout=LIMIT)
