"""The nodes of the prompt language in the real host: split, expand, task, bans, format, fields."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from devkit.server.graph_settings import the_node
from devkit.server.server import Server
from devkit.server.websocket_client import Client, Graph, GraphRejected, Outcome, RunFailed
from devkit.setup.layout import this_checkout
from tests.host.graphs import ended, inputs_of, text_only, texts

LIMIT = 120.0
PROMPT = (
    "1girl, (cat ears:1.2), <lora:ink style:0.8>, blue_eyes,\n"
    "A girl with cat ears reads by the window. # a comment"
)
OUTPUTS = {
    "TipoSplitPrompt": ("tags", "caption", "networks", "rest"),
    "TipoExpand": ("prompt", "tags", "caption", "added", "expansion", "proposed"),
    "TipoTask": ("tags", "short", "long", "added", "proposed", "request"),
    "TipoFields": (
        *("tags", "caption", "user", "added", "added_caption", "head"),
        *("special", "characters", "copyrights", "artist", "general", "meta", "quality"),
        *("rating", "proposed"),
    ),
}


def add(graph: Graph, class_type: str, **inputs: Any) -> str:
    """Add a node to the graph and return its id, for links."""
    node_id = f"added-{len(graph)}"
    graph[node_id] = {"class_type": class_type, "inputs": inputs}
    return node_id


def show(graph: Graph, node_id: str) -> dict[str, str]:
    """Show every output of a node that is a text; return the ids of the previews by its name."""
    names = OUTPUTS[graph[node_id]["class_type"]]
    return {
        name: add(graph, "PreviewAny", source=[node_id, slot])
        for slot, name in enumerate(names)
        if name != "expansion"
    }


def shown(outcome: Outcome, previews: dict[str, str]) -> dict[str, list[str]]:
    """Return what the previews of `show` showed: a text for each variant."""
    return {name: outcome.outputs[node_id]["text"] for name, node_id in previews.items()}


def with_model() -> tuple[Graph, list[Any]]:
    """Return a graph of the language model alone, and the link to it."""
    graph: Graph = {}
    loader = add(graph, "TipoLoadModel", model="tipo-nano", device="auto", precision="auto")
    return graph, [loader, 0]


def task_inputs(**changes: Any) -> dict[str, Any]:
    texts = {"tags": "", "short": "", "long": ""}
    return {"task": "tags", "length": "very_short", **texts, "seed": 5, **changes}


@pytest.fixture(scope="module")
def own_client(server: Server) -> Iterator[Client]:
    with Client(server.url) as connected:
        yield connected


class WholeRun:
    """One run of the shipped graph with everything linked, two variants of it."""

    def __init__(self, client: Client) -> None:
        path = this_checkout().root / "workflows" / "api" / "split-and-expand.json"
        self.graph: Graph = json.loads(path.read_text("utf-8"))
        inputs_of(self.graph, "TipoSplitPrompt")["text"] = PROMPT
        inputs_of(self.graph, "TipoBans")["rules"] = "@colours = blue*, red*\n@colours, /hair/"
        inputs_of(self.graph, "TipoExpand").update(
            {"tag_length": "very_short", "caption_length": "very_short", "variants": 2},
            bans="@colours, *gloves",
            gen_meta=True,
            rounds=2,
        )
        expansion = [the_node(self.graph, "TipoExpand"), 4]
        self.custom = add(
            self.graph,
            "TipoFormat",
            expansion=expansion,
            preset="custom",
            template="<|user|>, <|added|>\n\n<|extended|>",
        )
        previews = {
            class_type: show(self.graph, the_node(self.graph, class_type))
            for class_type in ("TipoSplitPrompt", "TipoExpand", "TipoFields")
        }
        self.outcome = client.run(ended(self.graph), timeout=LIMIT)
        self.variants = texts(self.graph, self.outcome)
        self.shown = {kind: shown(self.outcome, ids) for kind, ids in previews.items()}

    def text_on(self, class_type: str) -> str:
        """Return what a node itself shows."""
        return "\n".join(self.outcome.outputs[the_node(self.graph, class_type)]["text"])


@pytest.fixture(scope="module")
def whole(own_client: Client) -> WholeRun:
    return WholeRun(own_client)


def test_a_mixed_prompt_is_split_verbatim(whole: WholeRun) -> None:
    assert whole.shown["TipoSplitPrompt"] == {
        "tags": ["1girl, (cat ears:1.2), blue_eyes"],
        "caption": ["A girl with cat ears reads by the window."],
        "networks": ["<lora:ink style:0.8>"],
        "rest": ["# a comment"],
    }
    assert "networks: <lora:ink style:0.8>\n" in whole.text_on("TipoSplitPrompt")


def test_expansion_keeps_both_parts_and_obeys_all_bans(whole: WholeRun) -> None:
    assert len(whole.variants) == 2
    assert whole.variants[0]["prompt"] != whole.variants[1]["prompt"]
    for variant in whole.variants:
        assert variant["tags"].startswith("1girl, (cat ears:1.2), blue_eyes, ")
        assert variant["caption"].startswith("A girl with cat ears reads by the window.")
        assert variant["added_tags"]
        for tag in variant["added_tags"]:
            assert not tag.startswith(("blue", "red")) and "hair" not in tag
            assert not tag.endswith("gloves")
        assert all(report["reached"] for report in variant["passes"])


def test_outputs_are_lists_with_an_entry_a_variant(whole: WholeRun) -> None:
    shown = whole.shown["TipoExpand"]
    for name in ("prompt", "tags", "caption", "added"):
        assert shown[name] == [variant[name] for variant in whole.variants]
    assert shown["proposed"] == [
        "\n".join(f"{key}: {value}" for key, value in variant["proposed"].items())
        for variant in whole.variants
    ]
    given = inputs_of(whole.graph, "TipoExpand")["metadata"].partition(":")[0]
    assert all(given not in variant["proposed"] for variant in whole.variants)
    assert any(shown["proposed"]), "the model proposed no metadata at all"


def test_the_node_shows_each_variant_its_bans_and_the_proposal(whole: WholeRun) -> None:
    text = whole.text_on("TipoExpand")
    for number, variant in enumerate(whole.variants):
        assert f"#{number + 1}\n{variant['prompt']}" in text
        for entry, count in variant["banned"].items():
            assert f"(banned by {entry!r}: {count})" in text
        for key, value in variant["proposed"].items():
            assert f"\n{key}: {value}" in text
    assert not re.search(r"\(\w+: \d+ of", text), "every length was reached"


def test_fields_are_the_parts_of_each_variant(whole: WholeRun) -> None:
    shown = whole.shown["TipoFields"]
    for number, variant in enumerate(whole.variants):
        for name in ("tags", "caption", "added_caption"):
            assert shown[name][number] == variant[name]
        for name in ("user", "added", "special", "general", "quality", "rating"):
            assert shown[name][number] == variant["fields"][name]
        assert shown["special"][number].startswith("1girl")
        assert shown["user"][number] == "1girl, (cat ears:1.2), blue_eyes"
    assert "caption: A girl" in whole.text_on("TipoFields")


def test_format_renders_presets_and_templates_of_ones_own(whole: WholeRun) -> None:
    template = inputs_of(whole.graph, "TipoExpand")["template"]
    assert template == whole.graph[whole.custom]["inputs"]["template"]
    own = whole.outcome.outputs[whole.custom]["text"]
    assert own == [variant["prompt"] for variant in whole.variants]
    preset = whole.outcome.outputs[the_node(whole.graph, "TipoFormat")]["text"]
    for text, variant in zip(preset, whole.variants, strict=True):
        assert text.startswith("1girl,") and variant["caption"] in text
        assert variant["fields"]["general"] in text


def test_a_graph_from_before_the_new_inputs_still_runs(client: Client, graph: Graph) -> None:
    new = ("options", "ban_rules", "metadata", "gen_meta", "rounds", "escape_names")
    small = text_only(graph, seed=31)
    now = texts(small, client.run(ended(small), timeout=LIMIT))
    for name in new:
        inputs_of(small, "TipoExpand").pop(name, None)
    before = texts(small, client.run(ended(small), timeout=LIMIT))
    assert [text["prompt"] for text in before] == [text["prompt"] for text in now]


def test_linked_options_replace_the_widgets_and_repeats_are_told(
    client: Client, graph: Graph
) -> None:
    """Without chance the second variant is the first again, which the node says."""
    small = text_only(graph, temperature=0.0, variants=2, caption_length="none")
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
    small = text_only(graph, tags="1girl", bans="/[aeiou]/", caption_length="none")
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


# Rules, what they ban, what they let through: as the table of the help page says.
BAN_EXAMPLES = [
    ("hat", "hat, Hat", "hat ribbon, witch hat"),
    ("cat ears", "cat ears, cat_ears", "ears"),
    ("*hat", "hat, witch hat", "hat ribbon"),
    ("*hat*", "hat, hat ribbon, chat", ""),
    ("/hat|cap/", "hat, baseball cap, hatsune miku", ""),
    ("/^(red|blue) eyes$/", "red eyes, blue eyes", "dark red eyes"),
    ("@rating", "safe", "1girl"),
    ("if 1boy: skirt, dress", "skirt, dress", "1boy"),
    ("if 1boy: skirt, dress", "", "skirt, 1girl"),
    ("if 1girl, school uniform: hat", "hat", "1girl, school uniform"),
    ("@clothing = *skirt, *dress", "", "long skirt, dress"),
    ("@clothing = *skirt, *dress\n@clothing", "long skirt, dress", "shirt"),
]


def test_ban_rules_are_tried_as_the_help_page_says(client: Client) -> None:
    graph: Graph = {}
    nodes = [
        add(graph, "TipoBans", rules=rules, try_on=f"{banned},{allowed}")
        for rules, banned, allowed in BAN_EXAMPLES
    ]
    outcome = client.run(ended(graph), timeout=LIMIT)
    for node, (rules, banned, allowed) in zip(nodes, BAN_EXAMPLES, strict=True):
        (report,) = outcome.outputs[node]["text"]
        lines = report.splitlines()[1:]
        expected = [(tag, True) for tag in banned.split(", ") if tag]
        expected += [(tag, False) for tag in allowed.split(", ") if tag]
        assert len(lines) == len(expected), report
        for line, (tag, is_banned) in zip(lines, expected, strict=True):
            plain = tag.replace("_", " ")
            assert line.startswith((f"{tag}: ", f"{plain}: ")), rules
            assert ("banned by " in line) == is_banned, f"{rules}: {line}"


def test_rules_of_another_node_count_and_lend_their_groups(client: Client) -> None:
    graph: Graph = {}
    base = add(graph, "TipoBans", rules="@headwear = *hat, crown\nskirt", try_on="")
    trial = "witch hat, skirt, shirt"
    both = add(graph, "TipoBans", rules="if 1boy: shirt\n@headwear", try_on=trial, also=[base, 0])
    outcome = client.run(ended(graph), timeout=LIMIT)
    assert outcome.outputs[base]["text"] == ["1 rule"]
    assert outcome.outputs[both]["text"] == [
        "3 rules\nwitch hat: banned by '@headwear'\nskirt: banned by 'skirt'\nshirt: allowed"
    ]


WRONG = [
    ("TipoBans", {"rules": "hat, /(red|blue/", "try_on": ""}, r"/\(red\|blue/"),
    ("TipoBans", {"rules": "@no_such_group", "try_on": ""}, r"@no_such_group.*@artist"),
    ("TipoTask", task_inputs(task="tag_to_song"), r"tag_to_song.*tag_to_short_to_long"),
    ("TipoTask", task_inputs(length="enormous"), r"enormous.*very_short.*very_long"),
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


@pytest.mark.parametrize(
    ("changes", "message"),
    [
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
