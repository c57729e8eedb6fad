"""Prompts from files, the workflow of both arms, and rows that were cut off."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tipo_core.comfy_api.api_graph import GraphError, check_server_has
from tipo_core.comfy_api.http_client import Graph
from tipo_core.evaluate.protocol.arms import Arms, picture_of
from tipo_core.evaluate.protocol.prompts import Cut, prompts_of, read_prompts, scenery_prompt
from tipo_core.evaluate.protocol.rows import NAME, Row, Rows
from tipo_core.evaluate.protocol.workflow import published_workflow

LONG = "A dog of 1.5 m runs. Dr. Smith follows it! A cat sleeps.\nThe end."


def test_scenery_keeps_what_is_no_content() -> None:
    assert scenery_prompt("no humans, sky, masterpiece, Scenery, safe") == (
        "no humans, masterpiece, safe, scenery"
    )
    many = ", ".join(f"artist:name {number}" for number in range(7))
    kept = scenery_prompt(many).split(", ")
    assert kept == [f"artist:name {number}" for number in range(5)] + ["scenery"]
    assert scenery_prompt(" , ") == "scenery"


def test_a_long_caption_is_cut() -> None:
    assert Cut().of(LONG) == "A dog of 1.5 m runs. Dr. Smith follows it!"
    assert Cut(sentences=1).of(LONG) == "A dog of 1.5 m runs."
    assert Cut(words=6).of(LONG) == "A dog of 1.5 m runs."
    with pytest.raises(ValueError, match="--sentences must be 1 or more"):
        Cut(sentences=0)


@settings(max_examples=10)
@given(st.text(max_size=40), st.integers(1, 4), st.integers(0, 4))
def test_a_cut_is_the_beginning(text: str, sentences: int, words: int) -> None:
    kept = Cut(sentences, words).of(text)
    assert " ".join(text.split()).startswith(" ".join(kept.split()))
    assert not words or len(kept.split()) == min(words, len(text.split()))


def test_prompts_from_files(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    lines = tmp_path / "lines.txt"
    lines.write_text("\ufeffa cat\r\n\r\n  a dog \n", "utf-8")
    assert read_prompts(lines) == ["a cat", "a dog"]
    table = tmp_path / "table.csv"
    table.write_text('key,caption,other\n1,"a cat, ""red""\nby day",x\n2,a dog,y\n', "utf-8")
    assert read_prompts(table) == ['a cat, "red"\nby day', "a dog"]
    assert read_prompts(table, "other") == ["x", "y"]
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name in ("b", "a", "c"):
        Image.new("RGB", (2, 2)).save(folder / f"{name}.png")
    (folder / "a.txt").write_text("a cat,\nsky", "utf-8")
    (folder / "b.txt").write_text("a dog", "utf-8")
    assert read_prompts(folder) == ["a cat, sky", "a dog"]
    assert "c.png has no .txt file" in caplog.text
    assert prompts_of("short", folder, 1, Cut()) == ["a cat, sky"]
    assert prompts_of("truncated", lines, 9, Cut(words=1)) == ["a", "a"]
    assert "has 2 prompts, not 9: all of them" in caplog.text
    assert prompts_of("scenery", folder, 2, Cut()) == ["scenery", "scenery"]
    assert prompts_of("scenery", None, 3, Cut()) == ["scenery"] * 3


def test_files_without_prompts(tmp_path: Path) -> None:
    empty, latin, table = (tmp_path / name for name in ("empty.txt", "latin.txt", "table.csv"))
    empty.write_text(" \n", "utf-8")
    latin.write_bytes("caf\xe9".encode("latin-1"))
    table.write_text("a,b\n1,2\n", "utf-8")
    with pytest.raises(FileNotFoundError, match=r"no file or folder .*nothing: give .*--prompts"):
        read_prompts(tmp_path / "nothing")
    for path, message in (
        (empty, "holds no prompt"),
        (latin, "is not UTF-8"),
        (table, "no column prompt or caption.*name one of a, b with --column"),
    ):
        with pytest.raises(ValueError, match=message):
            read_prompts(path)
    with pytest.raises(ValueError, match="short needs captions"):
        prompts_of("short", None, 1, Cut())
    with pytest.raises(ValueError, match="--count is 0: give 1"):
        prompts_of("scenery", None, 0, Cut())


@pytest.fixture
def own() -> Graph:
    """A user's graph: short_to_tag of TipoTask, whose tags and short caption are both drawn."""
    return {
        "t": {
            "class_type": "TipoTask",
            "inputs": {"task": "short_to_tag", "tags": "x", "short": "", "long": "", "seed": 1},
        },
        "a": {"class_type": "CLIPTextEncode", "inputs": {"text": ["t", 0]}},
        "b": {"class_type": "CLIPTextEncode", "inputs": {"text": ["t", 1]}},
        "s": {"class_type": "KSamplerAdvanced", "inputs": {"noise_seed": 1, "seed": ["a", 0]}},
    }


def test_arms_of_a_task_node(own: Graph) -> None:
    arms = Arms.of(own, "short")
    before = copy.deepcopy(arms.graph)
    plain, expanded = (arms.at(arm, "a cat", 9) for arm in ("plain", "expanded"))
    assert arms.graph == before == own
    assert "t" not in plain
    assert [plain[node]["inputs"]["text"] for node in "ab"] == ["", "a cat"]
    assert plain["s"]["inputs"] == {"noise_seed": 9, "seed": ["a", 0]}
    assert expanded["t"]["inputs"] == own["t"]["inputs"] | {
        **{"tags": "", "short": "a cat", "seed": 9}
    }
    reported = {"t": {"tipo": [{"tags": "cat, sky", "short": "a cat", "long": "none"}]}}
    assert arms.drawn("expanded", "a cat", reported) == "cat, sky\na cat"
    assert arms.drawn("plain", "a cat", {}) == "a cat"
    with pytest.raises(ValueError, match=r"node t \(TipoTask\) reported no text"):
        arms.drawn("expanded", "a cat", {})
    # One text is drawn: it is the prompt, whichever output it comes from.
    own["b"]["inputs"]["text"] = ""
    assert Arms.of(own, "short").at("plain", "a cat", 9)["a"]["inputs"]["text"] == "a cat"


def test_workflows_without_two_arms(own: Graph) -> None:
    with pytest.raises(GraphError, match="takes no prompt as 'caption': choose --field tags or"):
        Arms.of(own, "caption")
    with pytest.raises(GraphError, match="node a is a CLIPTextEncode"):
        Arms.of(own, "short", "a")
    own["t2"] = copy.deepcopy(own["t"])
    with pytest.raises(GraphError, match="one TipoExpand or TipoTask node, it has t, t2"):
        Arms.of(own, "short")
    assert Arms.of(own, "short", "t").expander == "t"
    with pytest.raises(GraphError, match=r"no node uses the text of node t2"):
        Arms.of(own, "short", "t2")
    own["a"]["inputs"]["text"] = ["t", 4]
    with pytest.raises(GraphError, match=r"node a \(CLIPTextEncode\) takes text .*not text"):
        Arms.of(own, "short", "t")


def test_the_published_workflow() -> None:
    graph = published_workflow("caption")
    inputs = {node["class_type"]: node["inputs"] for node in graph.values()}
    sampler = inputs["TipoSampler"]
    assert [sampler[name] for name in ("steps", "cfg", "sampler_name", "scheduler")] == [
        *(16, 3.0, "dpmpp_2m_sde", "exponential")
    ]
    assert inputs["EmptyLatentImage"]["width"] == inputs["EmptyLatentImage"]["height"] == 1024
    assert inputs["TipoExpand"]["template"] == "<|extended|>"
    # The template itself asks for little, which is all that a drawing of toy-sd needs.
    lengths = [inputs["TipoExpand"][f"{kind}_length"] for kind in ("tag", "caption")]
    assert lengths == ["long", "long"]
    assert graph["4"]["inputs"]["text"] == ["2", 0] and graph["5"]["inputs"]["text"] == ""
    assert inputs["PreviewImage"] == {"images": ["9", 0]} and "TipoSaveImage" not in inputs


def test_only_menus_that_the_server_keeps_to_are_checked() -> None:
    graph: Graph = {"1": {"class_type": "N", "inputs": {"old": "x", "upload": "x", "new": "x"}}}
    inputs = {
        "old": [["a", "b"]],
        "upload": [["a"], {"image_upload": True}],
        "new": ["COMBO", {"options": ["a"]}],
    }
    with pytest.raises(GraphError, match=r"1 \(N\): old has no choice 'x'.*: choose one of a, b"):
        check_server_has(graph, {"N": {"input": {"required": inputs}}})
    graph["1"]["inputs"]["old"] = "b"
    check_server_has(graph, {"N": {"input": {"required": inputs}}})


def test_a_saved_picture_comes_before_a_preview() -> None:
    preview, saved = ({"filename": name, "type": name} for name in ("temp", "output"))
    assert picture_of({"1": {"images": [preview]}, "2": {"images": [saved]}}) == saved
    with pytest.raises(ValueError, match="made no picture: add Preview Image"):
        picture_of({"1": {"text": ["x"]}})


ROWS = [
    Row(arm, index, 7 + index, f'a "cat",\n{index}', "a\r\nb", f"{arm}/0.png", 1.5, "0123456789ab")
    for index in range(2)
    for arm in ("plain", "expanded")
]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ROWS."""
    folder = tmp_path_factory.mktemp("rows")
    with Rows(folder, "0123456789ab") as rows:
        for row in ROWS:
            rows.add(row, b"picture")
    return folder


@settings(max_examples=20)
@given(st.data())
def test_a_table_that_was_cut_keeps_its_whole_rows(written: Path, data: st.DataObject) -> None:
    path = written / NAME
    content = path.read_bytes()
    length = data.draw(st.integers(0, len(content)))
    zeros = data.draw(st.integers(0, 3))
    path.write_bytes(content[:length] + bytes(zeros))
    try:
        found = list(Rows(written, "0123456789ab").done.values())
    finally:
        path.write_bytes(content)
    assert found == ROWS[: len(found)]
    # Each row ends in the name of its settings.
    assert len(found) == content[:length].count(b"0123456789ab")
