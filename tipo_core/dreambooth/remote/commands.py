"""`python -m tipo_core dreambooth`: its options, and the training on a server.

Nothing here needs torch, so that --help is quick and a client needs no model.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...comfy_api.api_graph import check_server_has, combo_options, input_spec, nodes_of_type
from ...comfy_api.followed_run import reached, run_graph
from ...comfy_api.http_client import Graph, GraphRejected, HttpClient
from .picture_upload import upload_pictures
from .progress_lines import ProgressLines
from .training_graph import (
    BASES,
    CHECKPOINT,
    DATASET,
    TOY,
    TRAIN,
    TrainingOptions,
    summary,
    training_graph,
)

SERVER = "http://127.0.0.1:8188"
_INTERRUPTED = 130
_DESCRIPTION = """Teach a model a subject from a folder of pictures, on a ComfyUI server.

The pictures are uploaded, and the graph of the template "DreamBooth train" runs with the settings.
Ctrl-C cancels the training on the server, which keeps its state: the same command goes on.

    python -m tipo_core dreambooth --pictures my-dog --token sks --class dog
        --checkpoint v1-5-pruned-emaonly.safetensors
"""


def add_dreambooth(commands: Any) -> None:
    """Add the command to a parser's subparsers."""
    sub = commands.add_parser(
        "dreambooth",
        help="teach a model a subject, on a ComfyUI server",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    sub.add_argument(
        "--pictures",
        type=Path,
        required=True,
        metavar="FOLDER",
        help="pictures of the subject, with captions in text files beside them if there are",
    )
    sub.add_argument("--token", required=True, help="rare word that names the subject: sks")
    sub.add_argument(
        "--class", dest="class_name", required=True, help="word of its class, such as dog"
    )
    sub.add_argument("--server", default=SERVER, metavar="URL", help="(%(default)s)")
    sub.add_argument(
        "--base", choices=BASES, default="sd15", help="settings to start from (%(default)s)"
    )
    sub.add_argument(
        "--checkpoint",
        metavar="NAME",
        help="checkpoint of the server to train; needed but for toy-sd",
    )
    sub.add_argument(
        "--prompt",
        help="prompt of the pictures (default: a photo of TOKEN CLASS; toy-sd: TOKEN CLASS)",
    )
    sub.add_argument("--size", type=int, help="width and height of the pictures")
    sub.add_argument("--steps", type=int, help="steps of the training")
    sub.add_argument("--learning-rate", type=float, metavar="RATE", help="learning rate")
    sub.add_argument("--rank", type=int, help="rank of the LoRA")
    sub.add_argument(
        "--class-count",
        type=int,
        metavar="COUNT",
        help="class pictures that keep the class; 0: none, and the class is lost",
    )
    sub.add_argument("--seed", type=int, help="seed of the training")
    sub.add_argument("--save-every", type=int, metavar="STEPS", help="steps between two states")
    sub.add_argument(
        "--sample",
        action="append",
        dest="samples",
        metavar="PROMPT",
        help="prompt of a picture drawn during the training; may be repeated",
    )
    sub.add_argument("--name", help="name of the LoRA's file (default: loras/TOKEN_CLASS)")
    sub.add_argument(
        "--set",
        action="append",
        default=[],
        dest="settings",
        metavar="NODE.INPUT=VALUE",
        help="any other input of the graph, such as TipoDreamBoothTrain.text_encoder=lora",
    )


def run_dreambooth(given: Mapping[str, Any]) -> int:
    """Run the training of a command line; return the exit code.

    Raises ValueError, OSError or RuntimeError for what cannot be run.
    """
    client = HttpClient(given["server"])
    names = [name for name in TrainingOptions.__dataclass_fields__ if name in given]
    values = {name: given[name] for name in names}
    samples = values.pop("samples")
    options = TrainingOptions(**values, samples=None if samples is None else tuple(samples))
    lines = ProgressLines()
    try:
        # A graph that cannot be is an error before anything is uploaded.
        info = reached(client, client.object_info)
        if options.checkpoint is None and given["base"] != TOY:
            raise ValueError(_no_checkpoint(given["base"], info))
        check_server_has(training_graph(given["base"], "", options), info)
        folder, count = upload_pictures(
            client, given["pictures"], lambda n, of: lines.show(f"uploaded {n} of {of} files")
        )
        graph = training_graph(given["base"], folder, options)
        lines.write(f"{count} pictures in the server's input folder {folder}\n{summary(graph)}")
        lines.titles = {
            node_id: str(info.get(node["class_type"], {}).get("display_name") or node_id)
            for node_id, node in graph.items()
        }
        lines.reported = nodes_of_type(graph, DATASET)
        outputs = run_graph(client, graph, lines)
    except KeyboardInterrupt:
        lines.end()
        sys.stderr.write(
            "cancelled: the server keeps the training's state, the same command goes on with it\n"
        )
        return _INTERRUPTED
    except GraphRejected as error:
        raise RuntimeError(
            f"the server refuses the training: {error}. Correct it with an option or --set"
        ) from error
    finally:
        lines.end()
    sys.stdout.write(_report(graph, outputs))
    return 0


def _no_checkpoint(base: str, info: Mapping[str, Any]) -> str:
    spec = input_spec(info, CHECKPOINT, "ckpt_name")
    known = combo_options(spec) if spec else []
    has = f"; the server has {', '.join(known[:10])}" if known else ""
    return (
        f"--checkpoint is missing: name the {base} checkpoint to train{has}. --base {TOY} trains "
        "the small model of the demo"
    )


def _report(graph: Graph, outputs: Mapping[str, Any]) -> str:
    """Return the report of the training, and the names of its pictures."""
    texts = [
        str(text)
        for node_id in nodes_of_type(graph, TRAIN)
        for text in outputs.get(node_id, {}).get("text", [])
    ]
    pictures = [
        "/".join(part for part in (image.get("subfolder", ""), image["filename"]) if part)
        for node in outputs.values()
        for image in node.get("images", [])
        if image.get("type") == "output"
    ]
    where = ["files are in the server's output folder"]
    return "\n".join([*texts, *(f"picture: {name}" for name in pictures), *where]) + "\n"
