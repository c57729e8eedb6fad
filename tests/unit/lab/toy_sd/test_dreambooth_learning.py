"""What DreamBooth teaches toy-sd: prompts, graphs, a run that was stopped, figures by hand."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from lab.toy_sd.drawings.example_critter import SUBJECT, example_scenes
from lab.toy_sd.dreambooth import learning_report, learning_run
from lab.toy_sd.dreambooth import subject_prompts as prompts
from lab.toy_sd.dreambooth.training_arms import (
    ARMS,
    CORE,
    NO_PRIOR,
    PRIOR,
    UNTRAINED,
    Arms,
    Sampling,
    Settings,
    input_value,
)
from lab.toy_sd.report import reader as readers
from lab.toy_sd.report.accuracy_rows import CAPTION, Row
from tests.unit.fake_server import FakeServer
from tipo_core.comfy_api.http_client import Graph

LORA = "lab-core-made_5_steps_00001_.safetensors"
OBJECT_INFO: dict[str, Any] = {
    "TipoDreamBoothTrain": {
        "input": {
            "required": {
                "unet": ["COMBO", {"options": ["lora", "full"], "default": "lora"}],
                "optimizer": [["AdamW", "SGD"], {}],
                "steps": ["INT", {"default": 800}],
                "dataset": ["TIPO_DATASET", {}],
            }
        }
    },
    "TrainLoraNode": {
        "input": {
            "required": {
                "algorithm": [["LoRA", "LoHa"], {}],
                "batch_size": ["INT", {"default": 1}],
            }
        },
        "output": ["MODEL", "LORA_MODEL", "LOSS_MAP"],
    },
    "LoraLoaderModelOnly": {"input": {"required": {"lora_name": [[], {}]}}},
    **{
        name: {"input": {}}
        for name in (
            "CheckpointLoaderSimple TipoClassImages TipoDreamBoothDataset PreviewImage LoadImage "
            "ImageScale ImageBatch RebatchImages VAEEncode CLIPTextEncode SaveLoRA"
        ).split()
    },
}


def sees(of: str) -> readers.Reading:
    words = {**SUBJECT, "top": "crown", "background": "green"}
    return readers.Reading(of, words if of == "critter" else {})


class Seeing(readers.Reader):
    """Sees the subject with a crown on green in every picture."""

    def __init__(self) -> None:
        super().__init__(readers.heads_of(["critter", "planet"]), 1)

    def read(self, pictures: torch.Tensor) -> list[readers.Reading]:
        return [sees("critter") for _ in pictures]


class LabServer(FakeServer):
    """Trains in no time; stops to answer after `graphs_left` graphs."""

    graphs_left = 1000

    def post(self, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        if path == "/prompt":
            self.graphs_left -= 1
            if self.graphs_left < 0:
                return 500, {}
            graph: Graph = body["prompt"]
            if any(node["class_type"] == "SaveLoRA" for node in graph.values()):
                prefix = graph["save"]["inputs"]["prefix"].partition("/")[2]
                options = self.object_info["LoraLoaderModelOnly"]["input"]["required"]
                options["lora_name"][0] = [f"{prefix}_5_steps_00001_.safetensors"]
        return super().post(path, body)

    def get(self, path: str, query: dict[str, list[str]]) -> tuple[int, Any]:
        if path == "/view":
            with io.BytesIO() as stream:
                Image.new("RGB", (128, 128), "green").save(stream, "PNG")
                return 200, stream.getvalue()
        return super().get(path, query)

    def entry(self, prompt_id: str) -> dict[str, Any]:
        shown = [one for one in self.graphs[prompt_id] if one.startswith("show ")]
        outputs: dict[str, Any] = {
            one: {"images": [{"filename": "a.png", "subfolder": "", "type": "temp"}]}
            for one in shown
        }
        outputs["train"] = {"text": ["a report"]}
        return {"outputs": outputs, "status": {"messages": []}}


@pytest.fixture
def server() -> Iterator[LabServer]:
    import copy

    started = LabServer(copy.deepcopy(OBJECT_INFO))
    yield started
    started.stop()


def test_prompts_of_the_subject_ask_for_new_surroundings() -> None:
    rows = [prompts.subject_row(number) for number in range(64)]
    trained = {(one.attributes["top"], one.attributes["background"]) for one in example_scenes()}
    for row in rows:
        words = row.scene.attributes
        assert (words["top"], words["background"]) not in trained
        assert row.prompt.text.startswith(("sks critter, ", "a sks critter with "))
        for part in set(row.prompt.named) - set(SUBJECT):
            assert words[part].split()[-1] in row.prompt.text
        assert set(SUBJECT) < set(row.prompt.named)
    named = [set(row.prompt.named) - set(SUBJECT) for row in rows]
    assert named.count({"top", "background"}) == 32
    assert named.count({"top"}) == named.count({"background"}) == 16
    assert len({row.seed for row in rows}) == 64
    assert 16 < sum(row.wording == CAPTION for row in rows) < 48
    assert "a sks critter with a crown and a green background" in {r.prompt.text for r in rows} | {
        prompts.subject_row(n).prompt.text for n in range(64, 400)
    }


def test_prompts_of_the_class_have_no_token() -> None:
    rows = [prompts.class_row(number) for number in range(32)]
    assert all("sks" not in row.prompt.text and "critter" in row.prompt.text for row in rows)
    assert all(set(row.prompt.named) == {"background", *SUBJECT} for row in rows)


@pytest.mark.parametrize("arm", ARMS)
def test_graphs_have_whole_links_and_the_servers_defaults(arm: str) -> None:
    arms = Arms(Settings(steps=5, training=(("unet", "full"),)), OBJECT_INFO)
    drawing, shown = arms.drawing_graph(arm, ["a", "b"], [1, 2], Sampling(), LORA)
    training = arms.training_graph(arm, ["x/1.png", "x/2.png"])
    for graph in (drawing, training, arms.class_graph()):
        links = [
            value[0]
            for node in graph.values()
            for value in node["inputs"].values()
            if isinstance(value, list)
        ]
        assert set(links) <= set(graph)
    assert shown == ["show 0", "show 1"]
    seeds = [drawing[f"draw {number}"]["inputs"]["seed"] for number in range(2)]
    assert seeds == [1, 2]
    if arm in (PRIOR, NO_PRIOR):
        given = drawing["train"]["inputs"]
        assert (given["unet"], given["optimizer"], given["steps"]) == ("full", "AdamW", 5)
        assert ("class_images" in given) == (arm == PRIOR)
    if arm == CORE:
        assert training["train"]["inputs"]["algorithm"] == "LoRA"
        assert training["save"]["inputs"]["lora"] == ["train", 1]
        assert drawing["lora"]["inputs"]["lora_name"] == LORA
    if arm == UNTRAINED:
        assert "train" not in drawing


def test_seconds_are_those_of_the_steps() -> None:
    report = ["DreamBooth: 5 pictures\n400 steps in 2 min 40 s, 2.5 a second\nstate: x"]
    assert learning_run._seconds(report, 1000.0) == 160
    assert learning_run._seconds(["DreamBooth: 5 pictures\nwent on from step 400"], 9.0) == 0
    assert learning_run._seconds([], 9.0) == learning_run._seconds(None, 9.0) == 9


def test_values_of_set() -> None:
    assert input_value("ema_decay=0.5") == ("ema_decay", 0.5)
    assert input_value("targets=all linear") == ("targets", "all linear")
    with pytest.raises(ValueError, match="is not INPUT=VALUE"):
        input_value("ema_decay")


def options(server: LabServer, out: Path) -> learning_run.LearningOptions:
    readers.save(Seeing(), out / "reader")
    return learning_run.LearningOptions(
        server.url, out / "reader", out / "run", subject=4, others=2, of_class=2, at_once=3,
        settings=Settings(steps=5),
    )  # fmt: skip


def test_a_run_that_was_stopped_goes_on(
    server: LabServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "load", lambda folder: Seeing())
    given = options(server, tmp_path)
    server.graphs_left = 9
    with pytest.raises(ConnectionError, match="answers 500"):
        learning_run.run_arms(given)
    before = len(server.graphs)
    server.graphs_left = 1000
    rows = learning_run.run_arms(given)
    sets = {one.name: one.count for one in given.sets}
    for arm in ARMS:
        for name, count in sets.items():
            found = learning_run.rows_of(rows, arm, name)
            assert [row.row for row in found] == list(range(count)), (arm, name)
    assert len(list((tmp_path / "run" / "pictures").glob("*.png"))) == len(rows)
    # 7 drawings of each arm, the class, three trainings; one training runs again.
    assert before == 9 and len(server.graphs) == 4 * 7 + 1 + 3 + 2
    assert learning_run.run_arms(given) == rows and len(server.graphs) == 34
    with pytest.raises(ValueError, match="has steps 5, not 6"):
        learning_run.run_arms(replace(given, settings=Settings(steps=6)))
    report = learning_report.learning_report(given, rows)
    assert set(report["arms"]) == set(ARMS)
    assert report["arms"][PRIOR]["subject"]["value"] == 1
    assert report["trainings"][PRIOR]["report"] == ["a report"]
    for name in ("learned.png", "pictures-subject.png", "pictures-others.png", "report.md"):
        assert (tmp_path / "run" / name).is_file()


def test_figures_by_hand() -> None:
    sets = prompts.prompt_sets(2, 2, 2)

    def rows(arm: str, name: str, *wrong: tuple[str, ...]) -> list[Row]:
        return [
            Row(learning_run.point(arm, name), number, "tags", "x", "x", parts, None)
            for number, parts in enumerate(wrong)
        ]

    planet = tuple(part for part in sets[-1].row(0).prompt.named)
    found = [
        *rows(PRIOR, "subject", ("top",), ("colour", "background")),
        *rows(PRIOR, "class", tuple(SUBJECT), ()),
        *rows(PRIOR, "planet", planet[:1], planet[:4]),
        *rows(UNTRAINED, "planet", (), planet[:1]),
    ]
    figures = learning_report._figures(sets, found, PRIOR)
    assert sets[-1].name == "planet" and len(planet) == 4
    assert figures["subject"]["value"] == 0.5  # the colour is the subject's, the top is not
    named = [set(sets[0].row(n).prompt.named) - set(SUBJECT) for n in range(2)]
    wrong = [{"top"}, {"background"}]
    right = [1 - len(w & n) / len(n) for w, n in zip(wrong, named, strict=True)]
    assert figures["words"]["value"] == pytest.approx(sum(right) / 2)
    assert figures["class like subject"]["value"] == 0.5
    assert figures["class parts"]["value"] == 0.5
    assert figures["planet"]["value"] == pytest.approx((0.75 + 0) / 2)
    assert figures["others lose"]["value"] == pytest.approx((0.25 + 0.75) / 2)
    assert figures["landscape"] is None
    table = learning_report.markdown(
        {"arms": {PRIOR: figures}, "trainings": {PRIOR: {"seconds": 90.0}}}
    )
    assert "| 50.0 points (25.0 to 75.0) | 1.5 min |" in table


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [("subject", 0, "--subject 0: give 1 or more"), ("arms", ("x",), "arm x is unknown")],
)
def test_wrong_options_are_named(field: str, value: Any, message: str) -> None:
    given = {"server": "http://x", "reader": Path(), "out": Path(), field: value}
    with pytest.raises(ValueError, match=message):
        learning_run.LearningOptions(**given)
