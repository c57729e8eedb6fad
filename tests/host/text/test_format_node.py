"""TIPO Format for a model family, in graphs of the server."""

from __future__ import annotations

import pytest

from devkit.server.graph_settings import the_node
from devkit.server.server import Server
from devkit.server.websocket_client import Client, Graph, GraphRejected, Outcome, RunFailed
from tests.host.graphs import ended, text_only
from tests.host.text.prompt_graphs import LIMIT, add

NAMES = ("prompt", "negative", "clip_text", "t5_text", "report")
TAGS = "smile, 1girl, (long_hair:1.2), <lora:my_style:0.8>"


def formatted(client: Client, graph: Graph, **inputs: object) -> tuple[dict[str, str], Outcome]:
    """The outputs of a TIPO Format that gets an expansion without additions."""
    small = text_only(graph, tag_length="none", caption_length="none", tags=TAGS, caption="A girl.")
    if inputs.pop("linked", False):
        loader = the_node(graph, "CheckpointLoaderSimple")
        small[loader] = graph[loader]
        inputs |= {"model": [loader, 0], "clip": [loader, 1]}
    expansion = [the_node(small, "TipoExpand"), 4]
    chosen = {"preset": "Both, tag first (recommend)", "template": "", **inputs}
    node = add(small, "TipoFormat", expansion=expansion, **chosen)
    ids = [add(small, "PreviewAny", source=[node, slot]) for slot in range(len(NAMES))]
    outcome = client.run(ended(small), timeout=LIMIT)
    texts = [outcome.outputs[one]["text"][0] for one in ids]
    return {
        **dict(zip(NAMES, texts, strict=True)),
        "shown": outcome.outputs[node]["text"][0],
    }, outcome


def test_without_a_family_the_preset_counts_as_before(client: Client, graph: Graph) -> None:
    found, _ = formatted(client, graph)
    expected = "1girl,\n\nsmile, (long_hair:1.2), <lora:my_style:0.8>,\n\nA girl."
    assert found["prompt"] == found["shown"] == expected
    assert (found["negative"], found["report"]) == ("", "")
    assert found["clip_text"] == found["t5_text"] == expected


def test_a_family_sets_order_words_and_the_negative_prompt(client: Client, graph: Graph) -> None:
    found, _ = formatted(client, graph, family="noobai", negative="hat")
    assert found["prompt"] == (
        "masterpiece, best quality, newest, absurdres, highres, safe, 1girl, smile, "
        "(long_hair:1.2), <lora:my_style:0.8>, A girl."
    )
    assert found["negative"].startswith("hat, nsfw, worst quality, old, early")
    report = found["report"].splitlines()
    assert report[0] == "family: NoobAI XL, as chosen"
    assert report[1] == "added: masterpiece, best quality, newest, absurdres, highres, safe"
    assert report[-1].startswith("CLIP-L and CLIP-G: ") and report[-1].endswith("limit 75")
    assert found["shown"] == f"{found['prompt']}\n\n{found['report']}"


def test_auto_knows_the_checkpoint_and_says_how(client: Client, graph: Graph) -> None:
    found, _ = formatted(client, graph, family="auto", linked=True)
    assert found["report"].startswith("family: SD1.5, from the architecture SD15\n")
    assert found["prompt"] == f"{TAGS}\n\nA girl."
    unknown, _ = formatted(client, graph, family="auto")
    assert unknown["report"].startswith("warning: family: unknown: connect model or clip")
    assert unknown["prompt"].startswith("1girl,\n\nsmile")


def test_tags_of_a_reader_of_sentences_are_left_out(client: Client, graph: Graph) -> None:
    found, _ = formatted(client, graph, family="flux", prose_tags="left out")
    assert found["prompt"] == "A girl. <lora:my_style:0.8>"
    assert found["negative"] == "" and "reads no negative prompt" in found["report"]


def test_an_unknown_family_is_named(client: Client, graph: Graph) -> None:
    with pytest.raises((RunFailed, GraphRejected), match=r"(?s)TipoFormat.*ponies.*(none|pony)"):
        formatted(client, graph, family="ponies")


def test_a_family_of_the_users_folder_is_read_when_it_changes(
    server: Server, client: Client, graph: Graph
) -> None:
    folder = server.base / "models" / "tipo_families"
    folder.mkdir()
    text = (
        '{"label": "Mine", "reads": "prose", "template": "%s, <|user|>", "encoders": [{"keys": '
        '["l"], "name": "CLIP-L"}], "sources": [{"url": "https://example.org", "says": "x"}]}'
    )
    try:
        for word in ("first", "second one"):
            (folder / "mine.json").write_text(text % word)
            found, _ = formatted(client, graph, family="mine")
            assert found["prompt"].startswith(f"{word}, smile")
            assert "(your file mine.json)" in found["report"]
        (folder / "mine.json").write_text("{")
        with pytest.raises(RunFailed, match=r"mine\.json cannot be used"):
            formatted(client, graph, family="mine")
    finally:
        (folder / "mine.json").unlink()
        folder.rmdir()
