"""The accuracy report of toy-sd: draw, read back, and write all its files."""

from __future__ import annotations

import json
import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ..drawings.text_encodings import TextEncodings
from ..model.checkpoint import open_trained
from ..model.clip_model import clip_tokenizer
from ..training.toy_sd_state import digest, same_recipe
from ..training.train_unet import WEIGHTS
from . import accuracy_summary as summary
from . import reader
from .accuracy_figures import charts, markdown, sheets
from .accuracy_rows import Artist, meant_strips, measure
from .train_reader import REPORT as READER_REPORT
from .train_reader import recipe_of

log = logging.getLogger("tipo-suite")


@dataclass(frozen=True)
class ReportOptions:
    """A run, its reader and CLIP's tokenizer (folders), and the numbers of pictures.

    `weights` replace those of the run. `main` pictures are drawn at the main settings, `curve` at
    each other setting, `batch` at a time; with `bf16` the UNet runs in bfloat16.
    """

    run: Path
    reader: Path
    out: Path
    tokenizer: Path
    weights: Path | None = None
    main: int = 256
    curve: int = 96
    batch: int = 32
    bf16: bool = True

    def __post_init__(self) -> None:
        for name in ("main", "curve", "batch"):
            if getattr(self, name) < 1:
                raise ValueError(f"--{name} {getattr(self, name)}: give at least 1")


def make_report(options: ReportOptions) -> dict[str, Any]:
    """Draw and read the pictures that are missing, write all files and return the report."""
    started = time.monotonic()
    recipe, out = recipe_of(options.run), options.out
    checkpoint = options.weights or options.run / WEIGHTS
    unet, vae = open_trained(checkpoint)
    reading = reader.load(options.reader)
    missing = set(recipe.style_names) - set(reading.heads[0].words)
    if missing:
        raise ValueError(
            f"the reader in {options.reader} does not know {', '.join(sorted(missing))}: "
            "train one for this run"
        )
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    tokenizer = clip_tokenizer(options.tokenizer)
    texts = {
        skip: TextEncodings(tokenizer, device, keep=True, skip=skip) for skip in summary.CLIP_SKIPS
    }
    out.mkdir(parents=True, exist_ok=True)
    of_what = {
        "weights": digest(checkpoint),
        "reader": digest(options.reader / reader.WEIGHTS),
        "side": recipe.side,
        "styles": recipe.styles,
        "bf16": int(options.bf16),
    }
    same_recipe(out / "measured.json", of_what)
    artist = Artist(unet.to(device), vae.to(device), texts, recipe.side, bf16=options.bf16)
    counts = summary.counts(options.main, options.curve)
    rows = measure(counts, recipe.style_names, artist, reading, out, options.batch)
    report: dict[str, Any] = {**of_what, **summary.summary(rows, options.curve)}
    own = options.reader / READER_REPORT
    if own.is_file():
        report["reader"] = json.loads(own.read_text("utf-8"))
    report["seconds"] = round(time.monotonic() - started)
    (out / "report.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    (out / "report.md").write_text(markdown(report), encoding="utf-8")
    charts(report, out)
    meant_strips(recipe.style_names, recipe.side, out)
    sheets(out / "strips", out)
    return report
