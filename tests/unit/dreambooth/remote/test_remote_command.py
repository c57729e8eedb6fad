"""`python -m tipo_core dreambooth` with a server that trains in no time."""

from __future__ import annotations

import _thread
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.unit.fake_server import FakeServer
from tipo_core.cli import main
from tipo_core.comfy_api.api_graph import load_graph
from tipo_core.comfy_api.server_events import TEXT, ServerEvent
from tipo_core.dreambooth.remote.progress_lines import ProgressLines
from tipo_core.dreambooth.remote.training_graph import (
    BASES,
    TrainingOptions,
    training_graph,
)

WORKFLOWS = Path(__file__).parents[4] / "workflows" / "api"
REPORT = "DreamBooth: 3 pictures\nsaved: loras/sks_dog_00001_.safetensors"


class TrainingServer(FakeServer):
    """A server whose training shows a report and saves samples."""

    ended_by_user = False

    def entry(self, prompt_id: str) -> dict[str, Any]:
        graph = self.graphs[prompt_id]
        outputs: dict[str, Any] = {}
        for node_id, node in graph.items():
            if node["class_type"] == "TipoDreamBoothTrain":
                outputs[node_id] = {"text": [REPORT]}
            if node["class_type"] == "TipoSaveImage":
                saved = {"filename": "samples_1.png", "subfolder": "dreambooth", "type": "output"}
                shown = {"filename": "x.png", "subfolder": "", "type": "temp"}
                outputs[node_id] = {"images": [saved, shown]}
        last = ["execution_interrupted", {}] if prompt_id in self.interrupted else ["x", {}]
        return {"outputs": outputs, "status": {"messages": [last]}}

    def get(self, path: str, query: dict[str, list[str]]) -> tuple[int, Any]:
        if self.ended_by_user and path.startswith("/history/"):
            self.ended_by_user = False
            _thread.interrupt_main()  # as Ctrl-C
        return super().get(path, query)


@pytest.fixture
def server() -> Iterator[TrainingServer]:
    nodes: dict[str, Any] = {
        node["class_type"]: {"input": {}}
        for name in BASES.values()
        for node in load_graph(WORKFLOWS / name).values()
    }
    started = TrainingServer(nodes)
    yield started
    started.stop()


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Three pictures, one with a caption, one with a name that no form takes as it is."""
    folder = tmp_path / "my dog"
    folder.mkdir()
    for number, name in enumerate(("1.png", 'two "b".jpg', "dritte\u00fc.png")):
        Image.new("RGB", (64, 64), (number * 40, 9, 9)).save(folder / name)
    (folder / "1.txt").write_text("a photo of sks dog at the sea", encoding="utf-8")
    (folder / "readme.txt").write_text("of no picture", encoding="utf-8")
    return folder


def run(server: TrainingServer, pictures: Path, *more: str) -> int:
    return main(
        ["dreambooth", "--server", server.url, "--pictures", str(pictures), "--token", "sks",
         "--class", "dog", "--checkpoint", "my.safetensors", *more]
    )  # fmt: skip


def test_pictures_and_captions_are_uploaded_as_they_are(
    server: TrainingServer, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(server, pictures, "--steps", "12") == 0
    names = {name.rpartition("/")[2]: content for name, content in server.uploads.items()}
    sent = {"1.png": "1.png", "two _b_.jpg": 'two "b".jpg', "dritte\u00fc.png": "dritte\u00fc.png"}
    for name, own in sent.items():
        assert names[name] == (pictures / own).read_bytes()
    assert names["1.txt"] == b"a photo of sks dog at the sea" and "readme.txt" not in names
    folders = {name.rpartition("/")[0] for name in server.uploads}
    assert len(folders) == 1 and folders.pop().startswith("dreambooth/my dog-")
    out, err = capsys.readouterr()
    where = "files are in the server's output folder"
    assert out == f"{REPORT}\npicture: dreambooth/samples_1.png\n{where}\n"
    assert "3 pictures in the server's input folder dreambooth/my dog-" in err
    assert "my.safetensors, 512 x 512, 12 steps, 200 class pictures, prompt: a photo of sks" in err


def test_the_graph_is_the_template_with_the_options(server: TrainingServer, pictures: Path) -> None:
    options = ["--steps", "12", "--size", "256", "--rank", "4",
               "--learning-rate", "2e-4", "--class-count", "7", "--seed", "5", "--save-every", "3",
               "--sample", "sks dog, sea", "--name", "loras/mine",
               "--set", "TipoDreamBoothTrain.text_encoder=lora"]  # fmt: skip
    run(server, pictures, *options)
    (graph,) = server.graphs.values()
    template = load_graph(WORKFLOWS / BASES["sd15"])
    changed = {
        (node["class_type"], name): value
        for node_id, node in graph.items()
        for name, value in node["inputs"].items()
        if template[node_id]["inputs"][name] != value
    }
    folder = changed.pop(("TipoDreamBoothDataset", "folder"))
    assert folder.startswith("dreambooth/my dog-")
    assert changed == {
        ("CheckpointLoaderSimple", "ckpt_name"): "my.safetensors",
        ("TipoDreamBoothDataset", "prompt"): "a photo of sks dog",
        ("TipoDreamBoothDataset", "width"): 256,
        ("TipoDreamBoothDataset", "height"): 256,
        ("TipoClassImages", "count"): 7,
        ("TipoClassImages", "width"): 256,
        ("TipoClassImages", "height"): 256,
        ("TipoDreamBoothTrain", "steps"): 12,
        ("TipoDreamBoothTrain", "learning_rate"): 2e-4,
        ("TipoDreamBoothTrain", "rank"): 4,
        ("TipoDreamBoothTrain", "seed"): 5,
        ("TipoDreamBoothTrain", "save_every"): 3,
        ("TipoDreamBoothTrain", "sample_prompts"): "sks dog, sea",
        ("TipoDreamBoothTrain", "filename_prefix"): "loras/mine",
        ("TipoDreamBoothTrain", "text_encoder"): "lora",
    }


def test_the_same_pictures_have_the_same_folder_and_others_another(
    server: TrainingServer, pictures: Path
) -> None:
    for _ in range(2):
        run(server, pictures)
    assert len({name.rpartition("/")[0] for name in server.uploads}) == 1
    (pictures / "1.txt").write_text("another caption", encoding="utf-8")
    run(server, pictures)
    assert len({name.rpartition("/")[0] for name in server.uploads}) == 2
    first, second, third = server.graphs.values()
    assert first == second != third


@pytest.mark.parametrize("base", BASES)
def test_without_class_pictures_the_class_nodes_are_left_out(base: str) -> None:
    graph = training_graph(base, "folder", TrainingOptions("sks", "dog", class_count=0))
    types = [node["class_type"] for node in graph.values()]
    assert "TipoClassImages" not in types and "TipoDreamBoothTrain" in types
    links = [
        str(value[0])
        for node in graph.values()
        for value in node["inputs"].values()
        if isinstance(value, list)
    ]
    assert set(links) <= set(graph)


def test_ctrl_c_cancels_on_the_server_and_the_same_command_goes_on(
    server: TrainingServer, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # A job in the background of a shell ignores SIGINT.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    server.is_held = server.ended_by_user = True
    assert run(server, pictures) == 130
    assert server.interrupted == server.withdrawn == ["run-0"]
    assert "the same command goes on" in capsys.readouterr().err
    server.is_held = False
    assert run(server, pictures) == 0
    assert server.graphs["run-0"] == server.graphs["run-1"]
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--pictures", "nowhere"], "there is no folder nowhere: check the path of --pictures"),
        (["--token", " "], "--token is empty: give a word"),
        (["--set", "nonsense"], "'nonsense' is not NODE.INPUT=VALUE"),
        (["--server", "ftp://x"], "is not the address of a server"),
        (["--server", "http://127.0.0.1:9"], "no ComfyUI server answers at http://127.0.0.1:9"),
    ],
)
def test_wrong_options_are_one_line(
    server: TrainingServer,
    pictures: Path,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    message: str,
) -> None:
    assert run(server, pictures, *options) == 1
    assert message in capsys.readouterr().err
    assert not server.graphs


@pytest.mark.parametrize("base", BASES)
def test_a_checkpoint_is_chosen_by_the_user(
    server: TrainingServer, pictures: Path, capsys: pytest.CaptureFixture[str], base: str
) -> None:
    choices = {"required": {"ckpt_name": [["toy-sd.safetensors", "mine.safetensors"]]}}
    server.object_info["CheckpointLoaderSimple"] = {"input": choices}
    command = ["dreambooth", "--server", server.url, "--pictures", str(pictures)]
    code = main([*command, "--token", "sks", "--class", "dog", "--base", base])
    if base == "toy-sd":
        assert code == 0
        (graph,) = server.graphs.values()
        prompts = [node["inputs"].get("prompt") for node in graph.values()]
        assert "sks dog" in prompts
        return
    assert code == 1 and not server.uploads
    wanted = f"name the {base} checkpoint to train; the server has toy-sd.safetensors, mine."
    assert wanted in capsys.readouterr().err


def test_progress_lines(capsys: pytest.CaptureFixture[str]) -> None:
    lines = ProgressLines()
    lines.titles, lines.reported = {"4": "Class Images"}, ["2"]
    lines(ServerEvent("executing", {"node": None}))
    lines(ServerEvent("executed", {"node": "2", "output": {"text": ["5 pictures\nfew"]}}))
    lines(ServerEvent("executed", {"node": "3", "output": {"text": ["no report"]}}))
    lines(ServerEvent("executed", {"node": "2", "output": None}))
    lines(ServerEvent("progress", {"node": "9", "value": 1, "max": 2}))
    lines(ServerEvent("executing", {"node": "4"}))
    lines.end()
    lines(ServerEvent("progress", {"node": "4", "value": 3, "max": 50}))
    lines.end()
    lines(ServerEvent(TEXT, {"node": "4", "text": "class picture 1/5\n9 s left"}))
    lines(ServerEvent("progress", {"node": "4", "value": 4, "max": 50}))
    lines.end()
    assert capsys.readouterr().err.splitlines() == [
        "5 pictures", "few", "Class Images", "Class Images: 3 of 50",
        "class picture 1/5 | 9 s left",
    ]  # fmt: skip


def test_a_folder_without_pictures(
    server: TrainingServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.heic").write_bytes(b"x")
    assert run(server, tmp_path) == 1
    assert "holds no picture; a.heic: heic is not read" in capsys.readouterr().err


def test_a_server_without_the_pack(
    server: TrainingServer, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    del server.object_info["TipoDreamBoothTrain"]
    assert run(server, pictures) == 1
    assert "the server has no node TipoDreamBoothTrain" in capsys.readouterr().err
    assert not server.uploads


def test_a_refused_graph_and_a_failed_node(
    server: TrainingServer, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.refusal = {"node_errors": {"7": {"class_type": "T", "errors": [{"message": "bad"}]}}}
    assert run(server, pictures) == 1
    assert "the server refuses the training: node 7 (T): bad" in capsys.readouterr().err
    server.refusal = None
    error = {"node_id": "7", "node_type": "T", "exception_message": "no memory\n"}
    server.entry = lambda prompt_id: {  # type: ignore[method-assign]
        "outputs": {}, "status": {"messages": [["execution_error", error]]},
    }  # fmt: skip
    assert run(server, pictures) == 1
    assert "error: node 7 (T): no memory\n" in capsys.readouterr().err
