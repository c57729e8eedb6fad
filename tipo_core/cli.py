"""The command line: what the nodes do with text, without ComfyUI."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .expansion.expand import expand
from .expansion.record import META_KEYS
from .expansion.request import Expansion, ExpansionRequest
from .expansion.tasks import Length
from .prompt.presets import DEFAULT

if TYPE_CHECKING:
    from .lm.language_model import LlamaLanguageModel
    from .lm.sampling import SamplingOptions

_LENGTHS = ("none", *(length.value for length in Length))


def load_local(name: str, options: SamplingOptions) -> LlamaLanguageModel:
    """Return the model `name` (the shipped one, or a folder) in fp32 on the CPU."""
    import torch

    from .lm.catalog import NANO, shipped_model
    from .lm.checkpoint import ModelFiles, load_llama
    from .lm.language_model import LlamaLanguageModel

    files = shipped_model() if name == NANO else ModelFiles(Path(name))
    if not files.folder.is_dir():
        raise FileNotFoundError(
            f"there is no model {name!r}: name {NANO} or a folder with config.json, "
            "model.safetensors and tokenizer.json"
        )
    model, tokenizer = load_llama(files, dtype=torch.float32)
    device = torch.device("cpu")
    return LlamaLanguageModel(model, tokenizer, options, device=device, dtype=torch.float32)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tipo_core", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    sub = commands.add_parser("expand", help="expand a short prompt into detailed ones")
    sub.add_argument("--tags", default="", help="your tags, with commas between them")
    sub.add_argument("--caption", default="", help="your description in sentences")
    sub.add_argument(
        "--length", choices=_LENGTHS, default="long", help="of tags and caption (%(default)s)"
    )
    sub.add_argument("--tag-length", choices=_LENGTHS, help="of the tags alone")
    sub.add_argument("--caption-length", choices=_LENGTHS, help="of the caption alone")
    sub.add_argument("--seed", type=int, default=0, help="(%(default)s)")
    sub.add_argument("--variants", type=int, default=1, help="(%(default)s)")
    sub.add_argument("--model", default="tipo-nano", help="tipo-nano, or a model's folder")
    sub.add_argument("--bans", default="", help="what is never added")
    sub.add_argument("--template", default=DEFAULT, help="how the prompt is put together")
    sub.add_argument(
        "--meta",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help=f"a metadata line for the model; keys: {', '.join(META_KEYS)}",
    )
    sub.add_argument("--temperature", type=float, default=0.5, help="(%(default)s)")
    sub.add_argument("--top-p", type=float, default=0.95, help="(%(default)s)")
    sub.add_argument("--min-p", type=float, default=0.05, help="(%(default)s)")
    sub.add_argument("--top-k", type=int, default=80, help="(%(default)s)")
    sub.add_argument("--json", action="store_true", help="print one JSON list, a variant each")
    return parser


def _length(choice: str) -> Length | None:
    return None if choice == "none" else Length(choice)


def _meta(entries: Sequence[str]) -> dict[str, str]:
    lines = {}
    for entry in entries:
        key, equals, value = entry.partition("=")
        if not equals or key.strip() not in META_KEYS:
            raise ValueError(f"--meta {entry!r}: write KEY=VALUE with one of {list(META_KEYS)}")
        lines[key.strip()] = value.strip()
    return lines


def as_json(expansion: Expansion) -> dict[str, Any]:
    """Return an expansion as plain values."""
    return {
        "prompt": expansion.prompt,
        "tags": expansion.tags,
        "caption": expansion.caption,
        "added": expansion.added,
        "added_tags": list(expansion.added_tags),
        "added_caption": expansion.added_caption,
        "banned": dict(expansion.banned),
        "seed": expansion.seed,
        "variant": expansion.variant,
        "seconds": round(expansion.seconds, 3),
        "passes": [
            {
                "task": step.step.task.value or "tags",
                "grows": step.step.grows.value,
                "length": step.step.length.value,
                "count": step.count,
                "reached": step.reached,
                "rounds": step.rounds,
                "reason": step.reason,
                "prompt_tokens": step.prompt_tokens,
                "new_tokens": step.new_tokens,
            }
            for step in expansion.passes
        ],
    }


def _expand(arguments: argparse.Namespace) -> None:
    from .lm.catalog import NANO
    from .lm.sampling import SamplingOptions

    request = ExpansionRequest(
        tags=arguments.tags,
        caption=arguments.caption,
        tag_length=_length(arguments.tag_length or arguments.length),
        caption_length=_length(arguments.caption_length or arguments.length),
        meta=_meta(arguments.meta),
        bans=arguments.bans,
        template=arguments.template,
        seed=arguments.seed,
        variants=arguments.variants,
        safe=arguments.model == NANO,
    )
    options = SamplingOptions(
        temperature=arguments.temperature,
        top_p=arguments.top_p,
        min_p=arguments.min_p,
        top_k=arguments.top_k,
    )
    expansions = expand(load_local(arguments.model, options), request)
    if arguments.json:
        text = json.dumps([as_json(one) for one in expansions], ensure_ascii=False, indent=2)
        sys.stdout.write(text + "\n")
        return
    sys.stdout.write("\n\n".join(one.prompt for one in expansions) + "\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit code. Bad input is one line on standard error."""
    parsed = _parser().parse_args(arguments)
    try:
        _expand(parsed)
    except (ValueError, OSError, RuntimeError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0
