"""python -m lab.toy_sd.report.accuracy_report: measure how far toy-sd draws what a prompt says.

Pictures are drawn from held-out combinations, all parts named, over CFG, steps, clip skip and
denoise, and read back by the reader that train_reader makes. A report that was stopped goes on
where it was. Writes report.json, report.md, pictures.csv, charts and sheets of pictures.

    python -m lab.toy_sd.report.accuracy_report --run RUN --reader READER --out REPORT
        --tokenizer ComfyUI/comfy/sd1_tokenizer
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
from pathlib import Path
from typing import Any

import torch

from ..commands import add_threads, add_tokenizer, digest
from ..drawings.text_encodings import TextEncodings
from ..model.checkpoint import open_trained
from ..model.clip_model import clip_tokenizer
from ..training.toy_sd_state import same_recipe
from ..training.train_unet import WEIGHTS
from . import accuracy_summary as summary
from . import reader
from .accuracy_figures import charts, markdown, sheets
from .accuracy_rows import Artist, meant_strips, measure
from .train_reader import REPORT as READER_REPORT
from .train_reader import recipe_of

log = logging.getLogger("tipo-suite")


def make_report(arguments: argparse.Namespace) -> dict[str, Any]:
    """Draw and read what is left to draw, write all files and return the report."""
    started = time.monotonic()
    recipe, out = recipe_of(arguments.run), arguments.out
    for name in ("main", "curve", "batch"):
        if getattr(arguments, name) < 1:
            raise ValueError(f"--{name} {getattr(arguments, name)}: take at least 1")
    checkpoint = arguments.weights or arguments.run / WEIGHTS
    unet, vae = open_trained(checkpoint)
    reading = reader.load(arguments.reader)
    missing = set(recipe.style_names) - set(reading.heads[0].words)
    if missing:
        raise ValueError(
            f"the reader in {arguments.reader} does not know {', '.join(sorted(missing))}: "
            "train one for this run"
        )
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    tokenizer = clip_tokenizer(arguments.tokenizer)
    texts = {
        skip: TextEncodings(tokenizer, device, keep=True, skip=skip) for skip in summary.CLIP_SKIPS
    }
    out.mkdir(parents=True, exist_ok=True)
    of_what = {
        "weights": digest(checkpoint),
        "reader": digest(arguments.reader / reader.WEIGHTS),
        "side": recipe.side,
        "styles": recipe.styles,
        "bf16": arguments.bf16,
    }
    same_recipe(out / "measured.json", of_what)
    artist = Artist(unet.to(device), vae.to(device), texts, recipe.side, bf16=bool(arguments.bf16))
    counts = summary.counts(arguments.main, arguments.curve)
    rows = measure(counts, recipe.style_names, artist, reading, out, arguments.batch)
    report: dict[str, Any] = {**of_what, **summary.summary(rows, arguments.curve)}
    own = arguments.reader / READER_REPORT
    if own.is_file():
        report["reader"] = json.loads(own.read_text("utf-8"))
    report["seconds"] = round(time.monotonic() - started)
    (out / "report.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    (out / "report.md").write_text(markdown(report), encoding="utf-8")
    charts(report, out)
    meant_strips(recipe.style_names, recipe.side, out)
    sheets(out / "strips", out)
    return report


def main() -> None:
    """Read the command line, measure, and print the checks or the tables."""
    parser = argparse.ArgumentParser(
        prog="python -m lab.toy_sd.report.accuracy_report",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--run", type=Path, required=True, help="folder of a run of toy-sd")
    parser.add_argument(
        "--weights", type=Path, help="a file with other weights, as packed (those of the run)"
    )
    parser.add_argument("--reader", type=Path, required=True, help="folder of its reader")
    parser.add_argument("--out", type=Path, required=True, help="folder for the report")
    add_tokenizer(parser)
    parser.add_argument("--main", type=int, default=256, help="pictures at CFG 5 (%(default)s)")
    parser.add_argument("--curve", type=int, default=96, help="at other settings (%(default)s)")
    parser.add_argument("--batch", type=int, default=32, help="pictures at once (%(default)s)")
    parser.add_argument("--bf16", type=int, default=1, help="0: the UNet in fp32 (%(default)s)")
    add_threads(parser)
    parser.add_argument("--markdown", action="store_true", help="print the tables")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    report = make_report(arguments)
    if arguments.markdown:
        sys.stdout.write(markdown(report))
        return
    for check in report["checks"]:
        met = "met" if check["met"] else "not met"
        sys.stdout.write(f"{check['name']}: {met} ({check['figures']})\n")


if __name__ == "__main__":
    main()
