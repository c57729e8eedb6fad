"""Save Image (Compressed) in the real host, compared with core's Save Image and with Pillow."""

from __future__ import annotations

import re
import time
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from devkit.server.server import Server
from devkit.server.websocket_client import (
    Client,
    Graph,
    GraphRejected,
    Outcome,
    RunFailed,
    RunInterrupted,
)
from devkit.setup.base_folder import prepare_base
from devkit.setup.host import Host
from devkit.setup.layout import this_checkout
from devkit.setup.toy_sd import NAME
from tests.front_end import dropped, read_png
from tests.host.picture_graphs import SECONDS, TEXT, Builder, assert_equal, pixels, saved_file
from tests.host.report_lines import line_with

PROMPT = "scenery, lighthouse, \u706f\u53f0, caf\u00e9"
WORKFLOW = {"nodes": [], "links": [], "version": 0.4, "note": "\u5de5\u4f5c\u6d41"}
LOSSY = ["webp", "jpeg", "avif"]


@pytest.fixture(scope="module")
def picture(server: Server) -> str:
    """A picture of gradients and noise, with alpha, in the server's input folder."""
    y, x = np.indices((48, 64))
    noise = np.random.default_rng(7).integers(0, 20, (48, 64))
    planes = [3 * x + noise, 4 * y + noise, 255 - 2 * (x + y), 128 + noise * (x > 20)]
    path = server.base / "input" / "gradients.png"
    Image.fromarray(np.stack(planes, -1).astype(np.uint8)).save(path)
    return path.name


class Saving:
    """A graph that saves one picture with core's node and, in several ways, with ours."""

    def __init__(self, picture: str, with_alpha: bool = False) -> None:
        self.build = Builder()
        load = self.build.add("LoadImage", image=picture)
        self.images: list[Any] = [load, 0]
        if with_alpha:
            joined = self.build.add("JoinImageWithAlpha", image=[load, 0], alpha=[load, 1])
            self.images = [joined, 0]
        self.core = self.build.add("SaveImage", images=self.images, filename_prefix="save/core")

    def add(self, **inputs: Any) -> str:
        defaults = {"filename_prefix": "save/ours", "format": "png", "quality": 90, "text": PROMPT}
        return self.build.add("TipoSaveImage", images=self.images, **(defaults | inputs))

    @property
    def graph(self) -> Graph:
        return self.build.graph


def opened(path: Path) -> Image.Image:
    with Image.open(path) as image:
        image.load()
    return image


def comment_of(path: Path) -> str:
    comment = opened(path).getexif().get_ifd(0x8769)[0x9286]
    assert isinstance(comment, bytes)
    return comment.removeprefix(b"UNICODE\0").decode("utf-16-be")


def report_of(outcome: Outcome, node: str) -> list[str]:
    (report,) = outcome.outputs[node]["text"]
    return str(report).splitlines()


def test_each_format_holds_the_picture_the_graph_and_the_prompt(
    server: Server, client: Client, picture: str
) -> None:
    saving = Saving(picture)
    nodes = {format: saving.add(format=format, quality=95) for format in ("png", *LOSSY)}
    outcome = client.run(saving.graph, workflow=WORKFLOW, timeout=SECONDS)
    core = pixels(saved_file(server, outcome, saving.core))
    for format, node in nodes.items():
        path = saved_file(server, outcome, node)
        content = path.read_bytes()
        image = opened(path)
        assert image.format == format.upper()
        difference = np.abs(pixels(path).astype(int) - core)
        assert difference.max() == 0 if format == "png" else difference.mean() < 4, format
        if format == "jpeg":
            assert dropped(content, "image/jpeg") == ("error", None)
        else:
            assert dropped(content, f"image/{format}") == ("workflow", WORKFLOW)
            found = dropped(without_workflow(content), f"image/{format}")
            assert found[0] == "prompt"
            assert found[1][node]["inputs"]["text"] == PROMPT
        if format == "png":
            assert image.info["parameters"] == PROMPT
        else:
            assert comment_of(path) == PROMPT
        how = "lossless" if format == "png" else "quality 95"
        size = f"{len(content) / 1000:.3f} kB"
        assert line_with(report_of(outcome, node), f"save/{path.name}", format, size, how)
    assert not list((server.base / "output" / "save").glob(".*")), "an unfinished file was left"


def without_workflow(content: bytes) -> bytes:
    """The file with its workflow under a name that no reader knows."""
    return content.replace(b"workflow\0", b"w0rkflow\0").replace(b"workflow:", b"w0rkflow:")


@pytest.mark.parametrize("format", ["png", *LOSSY])
def test_alpha_is_kept_or_laid_over_white(
    server: Server, client: Client, picture: str, format: str
) -> None:
    saving = Saving(picture, with_alpha=True)
    node = saving.add(format=format, quality=95)
    outcome = client.run(saving.graph, workflow=WORKFLOW, timeout=SECONDS)
    core = opened(saved_file(server, outcome, saving.core))
    ours = opened(saved_file(server, outcome, node))
    assert core.mode == "RGBA" and np.asarray(core.getchannel("A")).min() < 255
    on_white = [
        Image.alpha_composite(Image.new("RGBA", core.size, "white"), image.convert("RGBA"))
        for image in (core, ours)
    ]
    difference = np.abs(np.subtract(*(np.asarray(image, int) for image in on_white)))
    assert difference.mean() < 4
    if format == "jpeg":
        assert ours.mode == "RGB"
        assert line_with(report_of(outcome, node)[1:], "alpha", "white", "jpeg")
    else:
        alphas = [np.asarray(image.getchannel("A"), int) for image in (core, ours)]
        assert np.abs(np.subtract(*alphas)).mean() < 3
        content = saved_file(server, outcome, node).read_bytes()
        assert dropped(content, f"image/{format}") == ("workflow", WORKFLOW)
    if format == "png":
        np.testing.assert_array_equal(np.asarray(core), np.asarray(ours))


@pytest.mark.parametrize("format", LOSSY)
def test_target_is_reached_by_the_best_quality_that_fits(
    server: Server, client: Client, picture: str, format: str
) -> None:
    saving = Saving(picture)
    target, generous, tiny = (saving.add(format=format, target_kb=kb) for kb in (5, 500, 1))
    workflow = WORKFLOW | {"note": "x" * 2000}
    outcome = client.run(saving.graph, workflow=workflow, timeout=SECONDS)
    core = Image.fromarray(pixels(saved_file(server, outcome, saving.core)))

    def size_by_pillow(quality: int, node: str) -> int:
        file = BytesIO()
        exif = opened(saved_file(server, outcome, node)).info["exif"]
        core.save(file, format=format, quality=quality, exif=exif)
        return len(file.getvalue())

    for node, target_kb in ((target, 5), (generous, 500), (tiny, 1)):
        path = saved_file(server, outcome, node)
        size = path.stat().st_size
        head, *notes = report_of(outcome, node)
        how = rf"(\S+) kB, quality (\d+), (\d+) encodes for {target_kb} kB"
        found = re.fullmatch(rf"save/{path.name}: {format}, {how}", head)
        assert found, head
        quality = int(found[2])
        assert (found[1], int(found[3]) <= 8) == (f"{size / 1000:.3f}", True)
        assert size_by_pillow(quality, node) == size
        if node == target:
            assert size <= 5000 < size_by_pillow(quality + 1, node)
            assert not notes
        elif node == generous:
            assert (quality, notes) == (100, [])
        else:
            assert quality == 1 and size > 1000
            assert notes[0].startswith("warning: larger than target_kb 1: even quality 1")


def test_png_says_that_the_target_does_not_apply(
    server: Server, client: Client, picture: str
) -> None:
    saving = Saving(picture)
    node = saving.add(target_kb=2)
    shown = saving.build.add("PreviewAny", source=[node, 0])
    outcome = client.run(saving.graph, timeout=SECONDS)
    paths = (saved_file(server, outcome, one) for one in (node, saving.core))
    assert_equal(map(pixels, paths))
    report = report_of(outcome, node)
    assert line_with(report[1:], "target_kb 2 does not apply", "lossless")
    assert report_of(outcome, shown) == report, "the output says what the node shows"


def test_workflow_larger_than_jpegs_exif_is_left_out_alone(
    server: Server, client: Client, picture: str
) -> None:
    saving = Saving(picture)
    nodes = {format: saving.add(format=format) for format in ("png", *LOSSY)}
    workflow = WORKFLOW | {"note": "x" * 200_000}
    outcome = client.run(saving.graph, workflow=workflow, timeout=SECONDS)
    for format, node in nodes.items():
        path, notes = saved_file(server, outcome, node), report_of(outcome, node)[1:]
        if format == "jpeg":
            assert notes[0].startswith("warning: left out of the file: workflow; a jpeg holds")
            assert comment_of(path) == PROMPT
            exif = opened(path).getexif()
            assert 0x010F not in exif and 0x0110 not in exif
        else:
            assert not notes
            content = path.read_bytes()
            assert dropped(content, f"image/{format}") == ("workflow", workflow)


def test_settings_of_the_graph_are_written_as_a1111_does(server: Server, client: Client) -> None:
    build = Builder()
    positive = build.encode(2)
    latent = build.sample(
        "TipoSampler", positive, sampler_name="dpmpp_2m", scheduler="karras", denoise=0.5
    )
    vae = [build.add("TipoLoadVae", vae_name=f"checkpoint: {NAME}"), 0]
    images = [build.add("TipoVaeDecode", samples=[latent, 0], vae=vae), 0]
    common = {"images": images, "filename_prefix": "settings/a", "quality": 90}
    png = build.add("TipoSaveImage", format="png", **common)
    jpeg = build.add("TipoSaveImage", format="jpeg", text=PROMPT, **common)
    for node in (png, jpeg):
        build.graph[node]["inputs"]["hashes"] = False
    outcome = client.run(build.graph, workflow=WORKFLOW, timeout=SECONDS)

    settings = (
        "Negative prompt: blurry\n"
        "Steps: 2, Sampler: DPM++ 2M Karras, Schedule type: Karras, CFG scale: 6.5, Seed: 3, "
        f"Size: 64x64, Model: {NAME.removesuffix('.safetensors')}, Denoising strength: 0.5, "
        "Clip skip: 2, Version: ComfyUI"
    )
    content = saved_file(server, outcome, png).read_bytes()
    assert opened(saved_file(server, outcome, png)).info["parameters"] == f"{TEXT}\n{settings}"
    assert dropped(content, "image/png") == ("workflow", WORKFLOW)
    assert comment_of(saved_file(server, outcome, jpeg)) == f"{PROMPT}\n{settings}"


def test_batch_is_numbered_and_shown(server: Server, client: Client) -> None:
    build = Builder()
    images = [build.add("EmptyImage", width=64, height=64, batch_size=3, color=0x336699), 0]
    inputs = {"filename_prefix": "batch/b%batch_num%", "format": "png", "quality": 90}
    node = build.add("TipoSaveImage", images=images, **inputs)
    outcome = client.run(build.graph, timeout=SECONDS)
    shown = outcome.outputs[node]["images"]

    names = [entry["filename"] for entry in shown]
    assert names == ["b0_00001_.png", "b1_00002_.png", "b2_00003_.png"]
    assert all(entry["subfolder"] == "batch" and entry["type"] == "output" for entry in shown)
    assert [line.split(":")[0] for line in report_of(outcome, node)] == [
        f"batch/{name}" for name in names
    ]
    assert (pixels(server.base / "output" / "batch" / names[2]) == (0x33, 0x66, 0x99)).all()
    with Image.open(server.base / "output" / "batch" / names[0]) as image:
        assert "parameters" not in image.text, "no text was given, and no sampler drew it"


def test_cancelling_leaves_the_finished_pictures(server: Server, client: Client) -> None:
    build = Builder()
    images = [build.add("EmptyImage", width=256, height=256, batch_size=300, color=0x123456), 0]
    inputs = {"filename_prefix": "cancel/c", "format": "avif", "quality": 90, "target_kb": 1}
    node = build.add("TipoSaveImage", images=images, **inputs)
    queued = client.queue(build.graph, WORKFLOW)
    folder = server.base / "output" / "cancel"
    deadline = time.monotonic() + 60
    while not list(folder.glob("*.avif")) and time.monotonic() < deadline:
        time.sleep(0.02)
    client.interrupt()
    with pytest.raises(RunInterrupted) as cancelled:
        client.follow(queued, timeout=SECONDS)
    assert cancelled.value.node_id == node
    files = sorted(path for path in folder.iterdir())
    assert [path.name for path in files] == [f"c_{i + 1:05}_.avif" for i in range(len(files))]
    assert 0 < len(files) < 300
    assert all(opened(path).size == (256, 256) for path in files)


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"format": "gif"}, "format 'gif' is unknown: choose png, webp, jpeg, avif"),
        ({"quality": 0}, "quality"),
        ({"quality": 101}, "quality"),
        ({"target_kb": -1}, "target_kb"),
    ],
)
def test_values_outside_the_menu_are_refused_before_anything_runs(
    client: Client, picture: str, inputs: dict[str, Any], words: str
) -> None:
    saving = Saving(picture)
    del saving.graph[saving.core]  # else ComfyUI runs its valid output alone
    saving.add(**inputs)
    with pytest.raises(GraphRejected, match=words):
        client.run(saving.graph, timeout=SECONDS)


def test_linked_quality_is_checked_when_the_node_runs(client: Client, picture: str) -> None:
    saving = Saving(picture)
    saving.add(format="webp", quality=[saving.build.add("PrimitiveInt", value=1000), 0])
    with pytest.raises(RunFailed, match=r"quality 1000, target_kb 0: give a quality of 1 to 100"):
        client.run(saving.graph, timeout=SECONDS)


def test_picture_larger_than_webp_names_the_limit(server: Server, client: Client) -> None:
    build = Builder()
    images = [build.add("EmptyImage", width=16384, height=8, batch_size=1, color=0), 0]
    inputs = {"filename_prefix": "large/l", "format": "webp", "quality": 90}
    build.add("TipoSaveImage", images=images, **inputs)
    with pytest.raises(RunFailed, match=r"webp holds at most 16383 pixels a side.*choose png"):
        client.run(build.graph, timeout=SECONDS)
    assert not (server.base / "output" / "large").exists()


def test_name_cannot_leave_the_output_folder(server: Server, client: Client, picture: str) -> None:
    for format in ("png", "avif"):
        saving = Saving(picture)
        saving.add(filename_prefix="../escaped/picture", format=format)
        with pytest.raises(RunFailed, match="leads out of the output folder"):
            client.run(saving.graph, timeout=SECONDS)
    assert not (server.base / "escaped").exists()


def test_folder_that_takes_no_file_is_named(server: Server, client: Client, picture: str) -> None:
    (server.base / "output" / "occupied").write_text("a file where the folder should be")
    saving = Saving(picture)
    saving.add(filename_prefix="occupied/picture")
    with pytest.raises(RunFailed, match=r"occupied is a file: write a name"):
        client.run(saving.graph, timeout=SECONDS)


class WithoutMetadata(Server):
    """A server whose user wants no metadata in files."""

    def command(self) -> list[str]:
        return [*super().command(), "--disable-metadata"]


def test_disabled_metadata_is_in_no_file(
    host: Host, tmp_path: Path, server: Server, model_paths: Path, picture: str
) -> None:
    prepare_base(tmp_path, this_checkout().root)
    (tmp_path / "input").mkdir(exist_ok=True)
    (tmp_path / "input" / picture).write_bytes((server.base / "input" / picture).read_bytes())
    saving = Saving(picture)
    nodes = {format: saving.add(format=format) for format in ("png", *LOSSY)}
    logs = tmp_path / "logs"
    with (
        WithoutMetadata(host, tmp_path, logs, model_paths=model_paths) as quiet,
        Client(quiet.url) as client,
    ):
        outcome = client.run(saving.graph, workflow=WORKFLOW, timeout=SECONDS)
        for format, node in nodes.items():
            path = saved_file(quiet, outcome, node)
            content = path.read_bytes()
            assert dropped(content, f"image/{format}") == ("error", None)
            assert not opened(path).getexif()
            for word in (b"workflow", b"prompt", b"parameters", b"Exif", b"scenery"):
                assert word not in content, (format, word)
            assert line_with(report_of(outcome, node), "no metadata", "--disable-metadata")
            assert format != "png" or not read_png(content)
