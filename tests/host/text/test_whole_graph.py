"""The text nodes in one graph: split, bans, an expansion of two variants, format, fields."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from devkit.server.graph_settings import the_node
from devkit.server.server import Server
from devkit.server.websocket_client import Client, Graph
from devkit.setup.layout import this_checkout
from tests.host.graphs import ended, inputs_of, texts
from tests.host.text.prompt_graphs import LIMIT, add, show, shown
from tipo_core.prompt.presets import DEFAULT_TEMPLATE

PROMPT = (
    "1girl, (cat ears:1.2), <lora:ink style:0.8>, blue_eyes,\n"
    "A girl with cat ears reads by the window. # a comment"
)


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
            template=DEFAULT_TEMPLATE,
        )
        previews = {
            class_type: show(self.graph, the_node(self.graph, class_type))
            for class_type in ("TipoSplitPrompt", "TipoExpand", "TipoFields")
        }
        self.outcome = client.run(ended(self.graph), timeout=LIMIT)
        self.variants = texts(self.graph, self.outcome)
        self.shown = {kind: shown(self.outcome, ids) for kind, ids in previews.items()}

    def text_on(self, class_type: str) -> str:
        """Return the text that a node shows."""
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
    assert inputs_of(whole.graph, "TipoExpand")["template"] == DEFAULT_TEMPLATE
    own = whole.outcome.outputs[whole.custom]["text"]
    assert own == [variant["prompt"] for variant in whole.variants]
    preset = whole.outcome.outputs[the_node(whole.graph, "TipoFormat")]["text"]
    for text, variant in zip(preset, whole.variants, strict=True):
        # The preset may put tags between the user's caption and its continuation.
        typed = variant["caption"].removesuffix(variant["added_caption"]).strip()
        assert text.startswith("1girl,") and typed in text and variant["added_caption"] in text
        assert variant["fields"]["typed_general"] in text
        assert variant["fields"]["added_general"] in text
