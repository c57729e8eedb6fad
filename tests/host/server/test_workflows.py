"""Each workflow that is shipped draws pictures: in API form, at the least sizes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageStat

from devkit.commands.generate import draw_card
from devkit.generate.cards import SIDE as SIDE_OF_CARD
from devkit.generate.templates import Template, template
from devkit.server.graph_settings import load_graph, the_node
from devkit.server.server import Server
from devkit.server.websocket_client import Client, Graph, GraphRejected, Outcome
from devkit.setup.layout import this_checkout
from tests.host.graphs import inputs_of
from tests.host.picture_graphs import SECONDS, pixels, saved_file
from tests.host.report_lines import line_with

SIDE = 64
PADDING = 64
# Of every node of the type; a workflow's own values for all else.
LEAST: dict[str, dict[str, Any]] = {
    "EmptyLatentImage": {"width": SIDE, "height": SIDE},
    "ImagePadForOutpaint": {"right": PADDING, "feathering": 8},
    "TipoSampler": {"steps": 3},
    "TipoExpand": {"tag_length": "very_short", "caption_length": "very_short"},
}


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture of gradients whose alpha marks its lower right quarter for inpainting."""
    y, x = np.indices((SIDE, SIDE))
    alpha = np.where((x >= SIDE // 2) & (y >= SIDE // 2), 0, 255)
    colours = np.stack([x * 4, y * 4, 255 - 2 * (x + y), alpha], axis=-1)
    path = tmp_path_factory.mktemp("photos") / "photo.png"
    Image.fromarray(colours.astype(np.uint8)).save(path)
    return path


def load(name: str, client: Client, photo: Path) -> Graph:
    """A workflow with its names as they are, the photo, and the least sizes."""
    path = this_checkout().root / "workflows" / "api" / f"{name}.json"
    graph: Graph = json.loads(path.read_text("utf-8"))
    for node in graph.values():
        node["inputs"].update(LEAST.get(node["class_type"], {}))
        if node["class_type"] == "LoadImage":
            node["inputs"]["image"] = client.upload_image(photo)
    return graph


def run(graph: Graph, server: Server, client: Client) -> tuple[Outcome, np.ndarray]:
    """The outcome and the pixels (H, W, 3) of the first picture saved."""
    outcome = client.run(graph, timeout=SECONDS)
    saved = pixels(saved_file(server, outcome, the_node(graph, "TipoSaveImage")))
    assert saved.std() > 10
    return outcome, saved


def reports(graph: Graph, outcome: Outcome, class_type: str) -> list[str]:
    shown: list[str] = outcome.outputs[the_node(graph, class_type)]["text"]
    return shown


def test_text_to_image_draws_as_it_is_shipped(server: Server, client: Client) -> None:
    graph = load_graph(template(this_checkout().root, "text-to-image").api)
    outcome, drawn = run(graph, server, client)
    assert drawn.shape == (128, 128, 3)
    (text,) = outcome.outputs[the_node(graph, "TipoExpand")]["tipo"]
    assert text["prompt"].startswith("planet, wide ring, ") and text["added"]
    # A blue planet on a dark sky: its middle is brighter than the corners, and blue.
    red, _, blue = drawn[48:80, 48:80].mean(axis=(0, 1))
    assert blue > red + 40
    assert drawn[:12, :12].mean() < drawn[48:80, 48:80].mean() - 40
    # The VAE is the checkpoint's, without a second name to set.
    assert "connected" in reports(graph, outcome, "TipoLoadVae")[0]
    saved = saved_file(server, outcome, the_node(graph, "TipoSaveImage"))
    with Image.open(saved) as image:
        assert "Model: toy-sd" in image.info["parameters"]
        assert "VAE:" not in image.info["parameters"]


@pytest.mark.parametrize("name", ["image-to-image", "inpaint", "outpaint"])
def test_without_the_picture_the_error_says_what_to_do(client: Client, name: str) -> None:
    path = this_checkout().root / "workflows" / "api" / f"{name}.json"
    # The server of the tests has none of dev.py's example pictures.
    with pytest.raises(GraphRejected, match=r"LoadImage.*choose-a-picture"):
        client.run(json.loads(path.read_text("utf-8")), timeout=SECONDS)


def test_image_to_image_redraws_the_picture(server: Server, client: Client, photo: Path) -> None:
    graph = load("image-to-image", client, photo)
    outcome, drawn = run(graph, server, client)
    assert drawn.shape == (SIDE, SIDE, 3)
    assert "denoise 0.6" in reports(graph, outcome, "TipoSampler")[0]
    # More of it is left at a lower denoise.
    inputs_of(graph, "TipoSampler")["denoise"] = 0.1
    _, nearly = run(graph, server, client)
    given = pixels(photo).astype(float)
    assert np.abs(nearly - given).mean() < np.abs(drawn - given).mean() - 5


def test_inpaint_leaves_what_is_not_masked(server: Server, client: Client, photo: Path) -> None:
    graph = load("inpaint", client, photo)
    inputs_of(graph, "TipoVaeEncode")["mask_grow"] = 0
    _, drawn = run(graph, server, client)
    given, half = pixels(photo), SIDE // 2
    is_masked = np.zeros((SIDE, SIDE), bool)
    is_masked[half:, half:] = True
    np.testing.assert_array_equal(drawn[~is_masked], given[~is_masked])
    assert np.abs(drawn[is_masked].astype(int) - given[is_masked]).mean() > 5


def test_outpaint_goes_on_beside_the_picture(server: Server, client: Client, photo: Path) -> None:
    graph = load("outpaint", client, photo)
    _, drawn = run(graph, server, client)
    assert drawn.shape == (SIDE, SIDE + PADDING, 3)
    # The feathering, 8 pixels from the border, blends.
    np.testing.assert_array_equal(drawn[:, : SIDE - 8], pixels(photo)[:, : SIDE - 8])
    assert drawn[:, SIDE + 8 :].std() > 10


def test_tags_and_caption_go_to_their_encoders(server: Server, client: Client, photo: Path) -> None:
    graph = load("sdxl-tags-and-caption", client, photo)
    outcome, _ = run(graph, server, client)
    positive = next(
        node
        for node, value in graph.items()
        if value["class_type"] == "TipoClipSkipEncode" and "text_g" in value["inputs"]
    )
    (report,) = outcome.outputs[positive]["text"]
    # toy-sd is an SD1.x model, to which these inputs do not apply.
    assert line_with(report, "text_g does not apply", "CLIP-G")
    assert line_with(report, "size does not apply", "SDXL")
    expand = the_node(graph, "TipoExpand")
    inputs = graph[positive]["inputs"]
    assert (inputs["text"], inputs["text_g"]) == ([expand, 1], [expand, 2])


def test_four_variants_are_four_pictures(server: Server, client: Client, photo: Path) -> None:
    graph = load("four-variants", client, photo)
    outcome, _ = run(graph, server, client)
    saved = outcome.outputs[the_node(graph, "TipoSaveImage")]["images"]
    assert len({entry["filename"] for entry in saved}) == 4
    texts = [one["prompt"] for one in outcome.outputs[the_node(graph, "TipoExpand")]["tipo"]]
    assert len(set(texts)) == 4
    for entry, text in zip(saved, texts, strict=True):
        with Image.open(Path(server.base, "output", entry["filename"])) as image:
            assert image.info["parameters"].startswith(text)


def test_a_card_is_drawn_by_running_the_template(
    server: Server, client: Client, tmp_path: Path
) -> None:
    shipped = template(this_checkout().root, "split-and-expand")
    copied = Template(tmp_path, shipped.title)
    copied.api.parent.mkdir()
    copied.api.write_bytes(shipped.api.read_bytes())
    draw_card(copied, client, server)
    with Image.open(copied.picture) as card, Image.open(shipped.picture) as committed:
        assert card.size == committed.size == (SIDE_OF_CARD, SIDE_OF_CARD)
        # About as bright: another machine may write a word or two that differ.
        assert abs(ImageStat.Stat(card).mean[1] - ImageStat.Stat(committed).mean[1]) < 20
