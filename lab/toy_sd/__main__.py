"""toy-sd, the tiny text-to-image model of the demo and the tests: train it, measure it.

    python -m lab.toy_sd train --out RUN --tokenizer ComfyUI/comfy/sd1_tokenizer
    python -m lab.toy_sd reader --run RUN --out READER
    python -m lab.toy_sd report --run RUN --reader READER --out REPORT --tokenizer ...
    python -m lab.toy_sd protocol --weights PACKED --reader READER --out OUT --tokenizer ...
    python -m lab.toy_sd critter --out tipo_core/assets/critter
    python -m lab.toy_sd dreambooth --server URL --reader READER --out OUT

Each command continues a run that was stopped, except `reader`.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

_TRAIN = """Train toy-sd, all of it or the rest of a stopped run.

The defaults made the weights that ship, in some minutes of a GPU. Without a GPU, train two styles
at 64 pixels, in some hours of two cores:

    python -m lab.toy_sd train --out RUN --tokenizer ComfyUI/comfy/sd1_tokenizer
        --side 64 --styles "landscape, planet" --drawings 6000 --prompts 2
        --vae-steps 3600 --vae-batch 8 --vae-rate 8e-4
        --steps 9000 --batch 16 --rate 4e-4 --warmup 200 --floor 0.25
"""
_READER = """Train the reader, which finds in a picture the words of its parts.

Some minutes of one core. The reader learns from drawings of all pairs of parts, those held out from
toy-sd too: as drawn, as the autoencoder decodes them, and with a little blur, noise and colour
shift. report.json has its errors on drawings that it has not seen.
"""
_REPORT = """Measure how often toy-sd draws a part as the prompt says.

Pictures are drawn from held-out pairs of parts, all parts named, over CFG, steps, clip skip and
denoise, and the reader reads them. Writes report.json, report.md, pictures.csv, charts, and sheets
of pictures.
"""
_PROTOCOL = """Measure the effect of prompt expansion on toy-sd's pictures.

The published protocol (`python -m tipo_core.evaluate protocol`) in one process: short prompts are
drawn as they are and as the language model expands them, with the same noise, and both arms are
compared with drawings. The reader reports the variety of the parts, and the share of pictures that
show the parts that the short prompt names.
"""
_DREAMBOOTH = """Measure what DreamBooth teaches toy-sd, on a ComfyUI server with this pack.

Three trainings on the five pictures of the critter: DreamBooth Train with class pictures, without
them, and ComfyUI's Train LoRA. Each model, and the untrained one, draws the same prompts from the
same noise, and the reader finds the parts in the pictures. Writes report.json, report.md,
pictures.csv, a chart and sheets of pictures. A stopped run goes on.

    python3 dev.py serve --port 8188
    python -m lab.toy_sd dreambooth --server http://127.0.0.1:8188 --reader READER --out OUT
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line and run the command; return the exit code."""
    given = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    if given.threads:
        import torch

        torch.set_num_threads(given.threads)
    try:
        sys.stdout.write(given.run_command(given))
    except (ValueError, OSError, RuntimeError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    from tipo_core.evaluate.commands import DINO, add_reading
    from tipo_core.lm.hub.catalog import NANO

    from .report.accuracy_rows import MAIN
    from .report.train_reader import Training
    from .training.toy_sd_recipe import Recipe

    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="python -m lab.toy_sd", description=__doc__, formatter_class=raw
    )
    commands = parser.add_subparsers(dest="command", required=True)

    train = commands.add_parser("train", help="train", description=_TRAIN, formatter_class=raw)
    train.add_argument("--out", type=Path, required=True, help="folder of the run")
    _add_tokenizer(train)
    for entry in fields(Recipe):
        option = f"--{entry.name.replace('_', '-')}"
        kind = type(entry.default)
        train.add_argument(option, type=kind, default=entry.default, help="(%(default)s)")
    train.set_defaults(run_command=_train)

    reader = commands.add_parser(
        "reader", help="train the reader", description=_READER, formatter_class=raw
    )
    of_what = reader.add_mutually_exclusive_group(required=True)
    of_what.add_argument("--run", type=Path, help="folder of a run of toy-sd")
    of_what.add_argument("--weights", type=Path, help="toy-sd of all styles, trained or packed")
    reader.add_argument("--out", type=Path, required=True, help="folder for the reader")
    reader.add_argument("--threads", type=int, default=1, help="(%(default)s)")
    for name in ("drawings", "round_trips", "unseen", "steps"):
        option = f"--{name.replace('_', '-')}"
        count = getattr(Training, name)
        reader.add_argument(option, type=int, default=count, help="(%(default)s)")
    reader.set_defaults(run_command=_reader)

    report = commands.add_parser(
        "report", help="accuracy of the parts", description=_REPORT, formatter_class=raw
    )
    report.add_argument("--run", type=Path, required=True, help="folder of a run of toy-sd")
    report.add_argument("--weights", type=Path, help="other weights, packed or not")
    report.add_argument("--reader", type=Path, required=True, help="folder of its reader")
    report.add_argument("--out", type=Path, required=True, help="folder for the report")
    _add_tokenizer(report)
    report.add_argument("--main", type=int, default=256, help="pictures at CFG 5 (%(default)s)")
    report.add_argument("--curve", type=int, default=96, help="at other settings (%(default)s)")
    report.add_argument("--batch", type=int, default=32, help="pictures at a time (%(default)s)")
    report.add_argument("--bf16", type=int, default=1, help="0: the UNet in fp32 (%(default)s)")
    _add_threads(report)
    report.add_argument("--markdown", action="store_true", help="print the tables")
    report.set_defaults(run_command=_report)

    protocol = commands.add_parser(
        "protocol", help="with and without TIPO", description=_PROTOCOL, formatter_class=raw
    )
    protocol.add_argument("--weights", type=Path, required=True, help="toy-sd, trained or packed")
    protocol.add_argument("--reader", type=Path, required=True, help="folder of its reader")
    protocol.add_argument("--out", type=Path, required=True, help="folder of the run")
    _add_tokenizer(protocol)
    protocol.add_argument("--model", default=NANO, help="language model, as in tipo_core")
    protocol.add_argument("--count", type=int, default=2048, help="prompts (%(default)s)")
    protocol.add_argument("--side", type=int, default=128, help="pixels (%(default)s)")
    protocol.add_argument("--cfg", type=float, default=MAIN.cfg, help="(%(default)s)")
    protocol.add_argument("--steps", type=int, default=MAIN.steps, help="(%(default)s)")
    _add_threads(protocol)
    add_reading(protocol, DINO)
    protocol.set_defaults(run_command=_protocol)

    critter = commands.add_parser(
        "critter", help="draw DreamBooth's example", description="Draw DreamBooth's example."
    )
    critter.add_argument("--out", type=Path, required=True, help="folder for the pictures")
    critter.set_defaults(run_command=_critter, threads=0)
    _add_dreambooth(commands)
    return parser


def _add_dreambooth(commands: Any) -> None:
    from .dreambooth.learning_run import LearningOptions
    from .dreambooth.training_arms import ARMS, Sampling, Settings

    sub = commands.add_parser(
        "dreambooth",
        help="what DreamBooth teaches",
        description=_DREAMBOOTH,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    sub.add_argument("--server", required=True, metavar="URL", help="a server with this pack")
    sub.add_argument("--reader", type=Path, required=True, help="folder of the reader")
    sub.add_argument("--out", type=Path, required=True, help="folder of the run")
    sub.add_argument("--arms", nargs="+", choices=ARMS, default=ARMS, help="(all)")
    for name in ("subject", "others", "of_class", "at_once"):
        count = LearningOptions.__dataclass_fields__[name].default
        option = f"--{name.replace('_', '-')}"
        sub.add_argument(option, type=int, default=count, help="pictures (%(default)s)")
    for entry in fields(Settings):
        if entry.name != "training":
            option = f"--{entry.name.replace('_', '-')}"
            kind = type(entry.default)
            sub.add_argument(option, type=kind, default=entry.default, help="(%(default)s)")
    sub.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="INPUT=VALUE",
        help="another input of DreamBooth Train",
    )
    sub.add_argument("--draw-steps", type=int, default=Sampling.steps, help="(%(default)s)")
    sub.add_argument("--draw-cfg", type=float, default=Sampling.cfg, help="(%(default)s)")
    _add_threads(sub)
    sub.set_defaults(run_command=_dreambooth)


def _add_tokenizer(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--tokenizer", type=Path, required=True,
        help="folder with CLIP's vocab.json and merges.txt: comfy/sd1_tokenizer of a ComfyUI",
    )  # fmt: skip


def _add_threads(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--threads", type=int, default=0, help="CPU threads (0: torch's default)")


def _critter(arguments: argparse.Namespace) -> str:
    from .drawings.example_critter import write_example

    return "".join(f"{path}\n" for path in write_example(arguments.out))


def _dreambooth(arguments: argparse.Namespace) -> str:
    from .dreambooth.learning_report import learning_report, markdown
    from .dreambooth.learning_run import LearningOptions, run_arms
    from .dreambooth.training_arms import Sampling, Settings, input_value

    names = (entry.name for entry in fields(Settings) if entry.name != "training")
    settings = Settings(
        **{name: getattr(arguments, name) for name in names},
        training=tuple(input_value(text) for text in arguments.set),
    )
    options = LearningOptions(
        server=arguments.server,
        reader=arguments.reader,
        out=arguments.out,
        arms=tuple(arguments.arms),
        settings=settings,
        sampling=Sampling(arguments.draw_steps, arguments.draw_cfg),
        **{name: getattr(arguments, name) for name in ("subject", "others", "of_class", "at_once")},
    )
    return markdown(learning_report(options, run_arms(options)))


def _train(arguments: argparse.Namespace) -> str:
    from .training.toy_sd_recipe import Recipe
    from .training.train_toy_sd import train_toy_sd

    recipe = {entry.name: getattr(arguments, entry.name) for entry in fields(Recipe)}
    train_toy_sd(arguments.out, arguments.tokenizer, Recipe(**recipe))
    return ""


def _reader(arguments: argparse.Namespace) -> str:
    from .report.train_reader import Training, reader_of_run, reader_of_weights

    names = ("drawings", "round_trips", "unseen", "steps")
    training = Training(**{name: getattr(arguments, name) for name in names})
    if arguments.weights:
        report = reader_of_weights(arguments.weights, arguments.out, training)
    else:
        report = reader_of_run(arguments.run, arguments.out, training)
    return json.dumps(report, indent=2) + "\n"


def _report(arguments: argparse.Namespace) -> str:
    from .report.accuracy_figures import markdown
    from .report.accuracy_report import ReportOptions, make_report

    options = {entry.name: getattr(arguments, entry.name) for entry in fields(ReportOptions)}
    report = make_report(ReportOptions(**{**options, "bf16": bool(arguments.bf16)}))
    if arguments.markdown:
        return markdown(report)
    return "".join(
        f"{check['name']}: {'met' if check['met'] else 'not met'} ({check['figures']})\n"
        for check in report["checks"]
    )


def _protocol(arguments: argparse.Namespace) -> str:
    from tipo_core.evaluate.commands import feature_model, reading
    from tipo_core.evaluate.protocol.arm_measures import Measures, measure
    from tipo_core.lm.generate.sampling_options import SamplingOptions
    from tipo_core.lm.hub.local_model import load_local

    from .report.expansion_protocol import DRAWINGS, ProtocolOptions, run

    options = {entry.name: getattr(arguments, entry.name) for entry in fields(ProtocolOptions)}
    report = run(ProtocolOptions(**options), load_local(arguments.model, SamplingOptions()))
    out: Path = arguments.out
    measures = Measures(
        feature_model(arguments),
        reading(arguments, 0, out / "features"),
        real=out / DRAWINGS,
        unit_length=False,
    )
    return json.dumps(report, indent=2) + "\n" + measure(out, "toy", measures)


if __name__ == "__main__":
    sys.exit(main())
