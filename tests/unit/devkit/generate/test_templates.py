"""The templates' files, their API form, the example pictures, and the layout of their graphs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from devkit.generate.templates import all_templates, api_form, template
from devkit.messages import StepError
from devkit.setup.base_folder import put_examples
from devkit.setup.layout import this_checkout

ROOT = this_checkout().root
TEMPLATES = all_templates(ROOT)
DECLARATIONS = {
    "Loader": {
        "display_name": "Load it",
        "input": {"required": {"name": [["a", "b"], {}]}},
    },
    "Draw": {
        "display_name": "Draw it",
        "input": {
            "required": {"model": ["MODEL"], "seed": ["INT", {"default": 0}]},
            "optional": {"text": ["STRING", {}]},
        },
    },
}


def workflow(**drawing: Any) -> dict[str, Any]:
    """A loader, a node that draws with it, and a note, as the page saves them."""
    socket = {"name": "model", "type": "MODEL", "link": 3}
    draw = {"id": 2, "type": "Draw", "inputs": [socket], "widgets_values": [7, "fixed", "a cat"]}
    return {
        "nodes": [
            draw | drawing,
            {"id": 1, "type": "Loader", "title": "Mine", "inputs": [], "widgets_values": ["b"]},
            {"id": 4, "type": "MarkdownNote", "inputs": [], "widgets_values": ["Read me"]},
        ],
        "links": [[3, 1, 0, 2, 0, "MODEL"]],
    }


def test_api_form_has_values_links_and_titles_but_no_notes() -> None:
    assert api_form(workflow(), DECLARATIONS) == {
        "1": {"class_type": "Loader", "inputs": {"name": "b"}, "_meta": {"title": "Mine"}},
        "2": {
            "class_type": "Draw",
            "inputs": {"model": ["1", 0], "seed": 7, "text": "a cat"},
            "_meta": {"title": "Draw it"},
        },
    }


def test_a_linked_widget_gives_the_link() -> None:
    sockets = [
        {"name": "model", "link": None},
        {"name": "text", "widget": {"name": "text"}, "link": 3},
    ]
    graph = api_form(workflow(inputs=sockets), DECLARATIONS)
    assert graph["2"]["inputs"] == {"seed": 7, "text": ["1", 0]}


@pytest.mark.parametrize(
    ("drawing", "why"),
    [
        ({"mode": 4}, "muted or bypassed"),
        ({"type": "Reroute"}, "no node Reroute"),
        ({"widgets_values": [7]}, "stores 1 widgets, the node has 3"),
    ],
)
def test_what_cannot_be_converted_is_said(drawing: dict[str, Any], why: str) -> None:
    with pytest.raises(StepError, match=why):
        api_form(workflow(**drawing), DECLARATIONS)


def test_a_template_is_found_by_title_and_by_name() -> None:
    assert template(ROOT, "text-to-image") == template(ROOT, "Text to image")
    with pytest.raises(StepError, match="text-to-image"):
        template(ROOT, "text-to-video")


def test_there_are_sixteen_each_with_both_forms_and_a_card() -> None:
    assert len(TEMPLATES) == 16
    for one in TEMPLATES:
        # The template browser shows the name as it is.
        assert one.title[0].isupper() and not set(one.title) & set("-_.")
        assert one.api.is_file()
        assert 1_000 < one.picture.stat().st_size < 100_000
    kept = sorted(path.name for path in (ROOT / "workflows").rglob("*") if path.is_file())
    wanted = [path.name for one in TEMPLATES for path in (one.ui, one.picture, one.api)]
    assert kept == sorted(wanted)


def test_each_is_described_in_english_and_chinese() -> None:
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in (ROOT / "docs" / "templates.md").read_text("utf-8").splitlines()
        if line.startswith("| ")
    ][1:]
    assert sorted(row[0] for row in rows) == [one.title for one in TEMPLATES]
    for _, english, name, chinese in rows:
        assert english.isascii() and english[0].isupper()
        assert name and re.search(r"[\u4e00-\u9fff]", chinese)


def test_examples_are_put_into_the_input_folder(tmp_path: Path) -> None:
    first = put_examples(ROOT, tmp_path)
    assert first and all(path.parent == tmp_path / "input" for path in first)
    first[0].write_bytes(b"an older example")
    assert put_examples(ROOT, tmp_path) == first
    assert first[0].read_bytes().startswith(b"\x89PNG")


def test_each_picture_that_a_template_names_is_among_the_examples(tmp_path: Path) -> None:
    examples = {path.name: path for path in put_examples(ROOT, tmp_path)}
    named = {
        node["widgets_values"][0]: one.title
        for one in TEMPLATES
        for node in one.read()["nodes"]
        if node["type"] == "LoadImage"
    }
    assert named.keys() == examples.keys()
    for name, title in named.items():
        with Image.open(examples[name]) as picture:
            assert picture.size == (128, 128)  # toy-sd's size
            if title != "Inpaint":
                continue
            # ComfyUI reads the transparent part as the mask: some of the picture, not all.
            painted = sum(picture.getchannel("A").histogram()[:1]) / (128 * 128)
            assert 0.1 < painted < 0.5
