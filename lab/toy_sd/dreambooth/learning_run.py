"""Train all arms on a ComfyUI server, draw the same prompts with each, and read the pictures.

A stopped run continues: trainings from the server's states, pictures from `pictures.csv`.
"""

from __future__ import annotations

import io
import json
import logging
import re
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from tipo_core.comfy_api.api_graph import check_server_has
from tipo_core.comfy_api.followed_run import reached, run_graph
from tipo_core.comfy_api.http_client import HttpClient
from tipo_core.dreambooth.remote.picture_upload import upload_pictures
from tipo_core.recipe import note_recipe

from ..report import reader as readers
from ..report.accuracy_rows import Row, checked, read_rows, write_rows
from ..training.toy_sd_state import digest
from .subject_prompts import PromptSet, prompt_sets
from .training_arms import ARMS, CORE, PRIOR, UNTRAINED, Arms, Sampling, Settings

log = logging.getLogger("tipo-suite")

_SPEED = re.compile(r"^(\d+) steps in .*, ([\d.e+-]+) a second$", re.MULTILINE)
EXAMPLE = Path(__file__).resolve().parents[3] / "tipo_core" / "assets" / "critter"
ROWS, TIMES, RECIPE, PICTURES = "pictures.csv", "trainings.json", "run.json", "pictures"


@dataclass(frozen=True)
class LearningOptions:
    """A server, the reader's folder, the folder of the run, and what is trained and drawn."""

    server: str
    reader: Path
    out: Path
    subject: int = 64
    others: int = 48
    of_class: int = 32
    at_once: int = 8
    arms: tuple[str, ...] = ARMS
    settings: Settings = field(default_factory=Settings)
    sampling: Sampling = field(default_factory=Sampling)

    def __post_init__(self) -> None:
        for name in ("subject", "others", "of_class", "at_once"):
            if getattr(self, name) < 1:
                raise ValueError(
                    f"--{name.replace('_', '-')} {getattr(self, name)}: give 1 or more"
                )
        unknown = set(self.arms) - set(ARMS)
        if unknown:
            raise ValueError(
                f"arm {', '.join(sorted(unknown))} is unknown: choose {', '.join(ARMS)}"
            )

    @property
    def sets(self) -> tuple[PromptSet, ...]:
        """The sets of prompts."""
        return prompt_sets(self.subject, self.others, self.of_class)


def run_arms(options: LearningOptions) -> list[Row]:
    """Train and draw what is missing; return the rows of all pictures."""
    reader = readers.load(options.reader)
    options.out.mkdir(parents=True, exist_ok=True)
    recipe = {
        **asdict(options.settings),
        **{f"sampling {name}": value for name, value in asdict(options.sampling).items()},
        "reader": digest(options.reader / readers.WEIGHTS),
    }
    # As JSON has it: a list in place of a tuple.
    note_recipe(options.out / RECIPE, json.loads(json.dumps(recipe)))
    run = _Run(options, reader)
    for arm in options.arms:
        run.arm(arm)
    return run.rows


class _Run:
    def __init__(self, options: LearningOptions, reader: readers.Reader) -> None:
        self._options, self._reader, self._out = options, reader, options.out
        self._client = HttpClient(options.server)
        self.rows = read_rows(self._out / ROWS)
        self._times: dict[str, Any] = _json(self._out / TIMES)
        self._arms = Arms(options.settings, reached(self._client, self._client.object_info))
        (self._out / PICTURES).mkdir(exist_ok=True)

    def arm(self, arm: str) -> None:
        """Train an arm where it is not trained, and draw its missing pictures."""
        todo = [(one, first) for one in self._options.sets for first in self._missing(arm, one)]
        lora = self._trained(arm) if todo or arm not in self._times else ""
        for number, (one, first) in enumerate(todo, 1):
            started = time.monotonic()
            count = min(self._options.at_once, one.count - first)
            self._draw(arm, one, range(first, first + count), lora)
            seconds = time.monotonic() - started
            log.info("%s: %d of %d, %s, %.1f s", arm, number, len(todo), one.name, seconds)

    def _missing(self, arm: str, one: PromptSet) -> range:
        done = sum(row.point == point(arm, one.name) for row in self.rows)
        return range(done, one.count, self._options.at_once)

    def _trained(self, arm: str) -> str:
        """Train an arm; return the name of its LoRA where it is a file of ComfyUI's own node."""
        if arm == UNTRAINED:
            self._times.setdefault(arm, {"seconds": 0.0, "report": []})
            return ""
        if arm == CORE:
            return self._core_trained()
        if arm == PRIOR:
            self._timed("class pictures", self._arms.class_graph(), "class")
        self._timed(arm, self._arms.training_graph(arm), "train")
        return ""

    def _core_trained(self) -> str:
        lora = self._arms.core_lora()
        if lora:
            return lora
        folder, _ = upload_pictures(self._client, EXAMPLE, lambda *_: None)
        names = [f"{folder}/{path.name}" for path in sorted(EXAMPLE.glob("*.png"))]
        self._timed(CORE, self._arms.training_graph(CORE, names), "train")
        options = self._options
        self._arms = Arms(options.settings, reached(self._client, self._client.object_info))
        lora = self._arms.core_lora()
        if not lora:
            raise RuntimeError("the server's menu of LoRAs lacks the one that Save LoRA wrote")
        return lora

    def _timed(self, name: str, graph: Any, shown: str) -> None:
        """Run a training, and add its seconds to those of stopped runs before."""
        check_server_has(graph, self._client.object_info())
        log.info("%s: training", name)
        started = time.monotonic()
        report: list[str] | None = None
        try:
            report = run_graph(self._client, graph).get(shown, {}).get("text", [])
        finally:
            entry = self._times.setdefault(name, {"seconds": 0.0, "report": []})
            entry["seconds"] += _seconds(report, time.monotonic() - started)
            entry["report"] = report or []
            _write_json(self._out / TIMES, self._times)
        log.info("%s: %.0f s in all", name, self._times[name]["seconds"])

    def _draw(self, arm: str, one: PromptSet, numbers: range, lora: str) -> None:
        some = [one.row(number) for number in numbers]
        texts, seeds = [row.prompt.text for row in some], [row.seed for row in some]
        graph, shown = self._arms.drawing_graph(arm, texts, seeds, self._options.sampling, lora)
        outputs = run_graph(self._client, graph)
        pictures = []
        for number, node_id in zip(numbers, shown, strict=True):
            (image,) = outputs[node_id]["images"]
            content = reached(self._client, partial(self._client.view, image))
            name = f"{point(arm, one.name)}-{number:03}.png"
            (self._out / PICTURES / name).write_bytes(content)
            with Image.open(io.BytesIO(content)) as file:
                pictures.append(np.asarray(file.convert("RGB"), dtype=np.float32) / 255)
        tensor = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2)
        self.rows += checked(point(arm, one.name), numbers[0], some, self._reader, tensor)
        write_rows(self._out / ROWS, self.rows)


def _seconds(report: list[str] | None, whole: float) -> float:
    """Return the seconds of a training's steps by its report, else the `whole` time of its run.

    A training that was finished before has a report without steps: 0.
    """
    text = "\n".join(report or [])
    if not text.startswith("DreamBooth: "):
        return whole
    found = _SPEED.search(text)
    return int(found[1]) / float(found[2]) if found else 0.0


def point(arm: str, name: str) -> str:
    """Return the name of an arm's set of pictures, as in the rows."""
    return f"{arm}-{name.replace(' ', '_')}"


def trainings(out: Path) -> dict[str, Any]:
    """Return seconds and reports of the trainings of a run."""
    return _json(out / TIMES)


def rows_of(rows: Sequence[Row], arm: str, name: str) -> list[Row]:
    """Return the rows of an arm's set, in their order."""
    found = [row for row in rows if row.point == point(arm, name)]
    return sorted(found, key=lambda row: row.row)


def _json(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return found


def _write_json(path: Path, value: Any) -> None:
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
    part.replace(path)
