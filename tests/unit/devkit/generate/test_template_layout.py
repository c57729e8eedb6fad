"""The templates' graphs on the page: nothing overlaps, hangs out of its group or is cut off."""

from __future__ import annotations

import json
import re
from itertools import combinations
from typing import Any, NamedTuple

import pytest

from devkit.generate.templates import NOTES, Template, all_templates
from devkit.setup.layout import this_checkout

TEMPLATES = all_templates(this_checkout().root)
# The note's Chinese text, and the form of a template that opens as an app.
OTHER_KEYS = ("tipo_suite_note_zh", "linearMode", "linearData")
# Drawn above a node's position, and not counted in its size.
TITLE = 30
# Above the nodes of a group, with the title of the first one: room for the group's own name.
GROUP_HEADING = 70
MARGIN = 16
# Between two nodes one below the other: the title of the lower one, and room to grow.
GAP = 50
# Room for text in a node's boxes, above its least height.
MOST_ROOM = 100
# Least heights without the title in front end 1.58.1 with Nodes 2.0, at the widths used here and with
# a report of one line, as measured in a browser; the classic renderer needs less. A node that is
# stored lower would grow. A note has no height of its own.
LEAST_HEIGHTS = {
    "CheckpointLoaderSimple": 102,
    "EmptyLatentImage": 118,
    "ImagePadForOutpaint": 194,
    "MarkdownNote": 120,
    "PreviewAny": 138,
    "TipoBans": 266,
    "TipoClassImages": 494,
    "TipoClipSkipEncode": 406,
    "TipoDreamBoothDataset": 502,
    "TipoDreamBoothTrain": 1042,
    "TipoExpand": 1062,
    "TipoFields": 396,
    "TipoFormat": 376,
    "TipoLoadModel": 186,
    "TipoLoadVae": 158,
    "TipoLoraPrompt": 314,
    "TipoOptions": 226,
    "TipoSampler": 450,
    "TipoSdxlSize": 226,
    "TipoSplitPrompt": 244,
    "TipoSweep": 654,
    "TipoVaeDecode": 206,
    "TipoVaeEncode": 262,
}
# The same of nodes that show a picture, without the picture. Front end 1.32.9 draws it as wide as
# the node in Nodes 2.0 and lets the node grow; the templates have room for a square one.
LEAST_HEIGHTS_BUT_PICTURE = {
    "LoadImage": 104,
    "PreviewImage": 34,
    "TipoGrid": 186,
    "TipoSaveImage": 290,
}


class Box(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float

    def holds(self, other: Box) -> bool:
        return (
            self.left <= other.left
            and self.top <= other.top
            and self.right >= other.right
            and self.bottom >= other.bottom
        )

    def meets(self, other: Box) -> bool:
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )


def node_box(node: dict[str, Any]) -> Box:
    """A node with its title."""
    (x, y), (width, height) = node["pos"], node["size"]
    return Box(x, y - TITLE, x + width, y + height)


def least_height(node: dict[str, Any]) -> float:
    """Return the height of a node, with a square picture where it shows one."""
    if node["type"] in LEAST_HEIGHTS:
        return LEAST_HEIGHTS[node["type"]]
    return LEAST_HEIGHTS_BUT_PICTURE[node["type"]] + float(node["size"][0])


def group_box(group: dict[str, Any]) -> Box:
    x, y, width, height = group["bounding"]
    return Box(x, y, x + width, y + height)


@pytest.fixture(params=TEMPLATES, ids=lambda one: one.name)
def workflow(request: pytest.FixtureRequest) -> dict[str, Any]:
    one: Template = request.param
    return one.read()


def test_each_node_lies_in_a_group_with_a_margin(workflow: dict[str, Any]) -> None:
    insides = [
        Box(
            box.left + MARGIN,
            box.top + GROUP_HEADING - TITLE,
            box.right - MARGIN,
            box.bottom - MARGIN,
        )
        for box in map(group_box, workflow["groups"])
    ]
    outside = [
        (node["type"], node["id"])
        for node in workflow["nodes"]
        if sum(inside.holds(node_box(node)) for inside in insides) != 1
    ]
    assert not outside


def test_nothing_overlaps(workflow: dict[str, Any]) -> None:
    # With the room that a node needs to grow by a line or two.
    boxes = {
        f"{node['type']} {node['id']}": box._replace(bottom=box.bottom + GAP - TITLE)
        for node in workflow["nodes"]
        for box in [node_box(node)]
    }
    boxes_of_groups = {group["title"]: group_box(group) for group in workflow["groups"]}
    for named in (boxes, boxes_of_groups):
        met = [(a, b) for a, b in combinations(named, 2) if named[a].meets(named[b])]
        assert not met


def test_nodes_are_as_high_as_the_page_makes_them(workflow: dict[str, Any]) -> None:
    low = [
        (node["type"], node["id"], node["size"][1], least_height(node))
        for node in workflow["nodes"]
        if node["size"][1] < least_height(node)
    ]
    assert not low


def test_no_node_has_a_blank_strip(workflow: dict[str, Any]) -> None:
    high = [
        (node["type"], node["id"], node["size"][1], least_height(node))
        for node in workflow["nodes"]
        if node["type"] not in NOTES and node["size"][1] > least_height(node) + MOST_ROOM
    ]
    assert not high


def test_groups_end_below_their_nodes(workflow: dict[str, Any]) -> None:
    for group in map(group_box, workflow["groups"]):
        inside = [box for box in map(node_box, workflow["nodes"]) if group.holds(box)]
        assert group.bottom - max(box.bottom for box in inside) <= 2 * MARGIN


def test_the_page_fits_the_graph_to_the_window(workflow: dict[str, Any]) -> None:
    # web/fit_view.js looks for the mark. The sizes are those of the classic renderer.
    kept = {key: value for key, value in workflow["extra"].items() if key not in OTHER_KEYS}
    assert kept == {"workflowRendererVersion": "LG", "tipo_suite_fit_view": True}


def test_a_note_comes_first_and_says_what_to_set(workflow: dict[str, Any]) -> None:
    (note,) = (node for node in workflow["nodes"] if node["type"] in NOTES)
    assert note["title"] == "Start here"
    assert note["pos"] == [0, 0]
    (text,) = note["widgets_values"]
    types = {node["type"] for node in workflow["nodes"]}
    assert ("**Load Checkpoint**" in text) == ("CheckpointLoaderSimple" in types)
    assert ("**Load Image**" in text) == ("LoadImage" in types)


def test_the_note_says_the_same_in_chinese(workflow: dict[str, Any]) -> None:
    """Paragraphs, numbers and code are the same; web/template_notes.js shows the text."""
    (english,) = (node["widgets_values"][0] for node in workflow["nodes"] if node["type"] in NOTES)
    chinese = workflow["extra"]["tipo_suite_note_zh"]
    assert re.search(r"[\u4e00-\u9fff]", chinese)
    assert chinese.count("\n\n") == english.count("\n\n")
    for pattern in (r"`[^`]+`", r"\b\d{2,}\b", r"(?<!\*)\*DreamBooth [^*]+\*(?!\*)"):
        assert sorted(re.findall(pattern, chinese, re.ASCII)) == sorted(
            re.findall(pattern, english, re.ASCII)
        )


def test_there_is_one_loader_to_set(workflow: dict[str, Any]) -> None:
    by_type = {node["type"]: node for node in workflow["nodes"]}
    if "TipoLoadVae" not in by_type:
        return
    vae, checkpoint = by_type["TipoLoadVae"], by_type["CheckpointLoaderSimple"]
    assert vae["widgets_values"][0] == "connected VAE"
    (link,) = (socket["link"] for socket in vae["inputs"] if socket["name"] == "connected_vae")
    (found,) = (one for one in workflow["links"] if one[0] == link)
    assert found[1:3] == [checkpoint["id"], 2]


def test_pictures_are_named_by_what_to_do(workflow: dict[str, Any]) -> None:
    """ComfyUI's error repeats the name, and none of a user's own files has it."""
    for node in workflow["nodes"]:
        if node["type"] == "LoadImage":
            assert node["widgets_values"][0].startswith("choose-a-picture")


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.name)
def test_every_text_node_leads_to_an_output(template: Template) -> None:
    """Newer cores run a text node for an output's sake alone: at the end it would be left out."""
    graph = json.loads(template.api.read_text("utf-8"))
    linked = {
        value[0]
        for node in graph.values()
        for value in node["inputs"].values()
        if isinstance(value, list)
    }
    ends = {node["class_type"] for node_id, node in graph.items() if node_id not in linked}
    assert ends <= {"PreviewAny", "PreviewImage", "SaveImage", "TipoGrid", "TipoSaveImage"}
