"""The options of the command line, and the requests in a request file."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .dreambooth.remote.commands import add_dreambooth
from .expansion.format import META_KEYS, parse_meta
from .expansion.json_form import NONE, TAGS_ONLY
from .expansion.tasks import Length, Task, TranslationMode
from .migrate.commands import add_migrate
from .prompt import PRESETS
from .prompt.presets import DEFAULT_TEMPLATE, SHORT_NAMES

if TYPE_CHECKING:
    from .lm.generate.sampling_options import SamplingOptions

_LENGTHS = tuple(length.value for length in Length)
_TASKS = (TAGS_ONLY, *(task.value for task in Task if task.value))
# Name, type and meaning of each sampling option.
_SAMPLING = (
    ("temperature", float, "higher values give more surprising text; 0 takes the likeliest word"),
    ("top_p", float, "draw from the likeliest words that add up to this probability; 1 = all"),
    ("min_p", float, "leave out words below this share of the likeliest one; 0 = none"),
    ("top_k", int, "draw from this many of the likeliest words; 0 = all"),
    ("repetition_penalty", float, "lowers the probability of repeated words; 1 = no penalty"),
    ("max_new_tokens", int, "largest number of tokens of one answer"),
)
STANDARD_INPUT = "standard input"


def parser(description: str | None) -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    top = argparse.ArgumentParser(
        prog="python -m tipo_core",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = top.add_subparsers(dest="command", required=True)
    # An option that is not given is absent, so that it does not win over the request file.
    common: dict[str, Any] = {"argument_default": argparse.SUPPRESS}
    _add_expand(commands.add_parser("expand", help="expand a short prompt", **common))
    _add_task(commands.add_parser("task", help="run a single trained task", **common))
    split = commands.add_parser("split", help="split a mixed prompt into tags and caption")
    split.add_argument("text", nargs="?", help="the prompt; - or none is standard input")
    split.add_argument("--json", action="store_true", help="print one JSON object")
    bans = commands.add_parser("bans", help="try ban rules on tags")
    bans.add_argument("--bans", required=True, help="the rules")
    bans.add_argument("--tags", required=True, help="the tags to try them on")
    _add_bare_text(bans, "tags")
    bans.add_argument("--json", action="store_true", help="print one JSON object")
    form = commands.add_parser("format", help="fill another template with an expansion")
    form.add_argument(
        "expansion", help="the output of `expand --json`: a file, or - for standard input"
    )
    _add_template(form)
    add_dreambooth(commands)
    add_migrate(commands)
    return top


def _add_template(sub: argparse.ArgumentParser) -> None:
    choice = sub.add_mutually_exclusive_group()
    choice.add_argument(
        "--template", help=f"template of the prompt (default: {DEFAULT_TEMPLATE!r})"
    )
    choice.add_argument(
        "--preset",
        type=_preset_name,
        choices=PRESETS,
        metavar="NAME",
        help=f"a ready template: {', '.join(SHORT_NAMES)}, or its name in TIPO Format",
    )


def _preset_name(name: str) -> str:
    """Return the full name of a preset."""
    known = {**{full.lower(): full for full in PRESETS}, **SHORT_NAMES}
    if name.lower() not in known:
        raise argparse.ArgumentTypeError(
            f"there is no preset {name!r}: choose {', '.join(SHORT_NAMES)}"
        )
    return known[name.lower()]


def _add_expand(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--tags", help="your tags, separated by commas")
    sub.add_argument("--caption", help="your description in sentences")
    lengths = (*_LENGTHS, NONE)
    sub.add_argument("--length", choices=lengths, help="length of tags and caption (default: long)")
    sub.add_argument("--tag-length", choices=lengths, help="length of the tags")
    sub.add_argument("--caption-length", choices=lengths, help="length of the caption")
    sub.add_argument("--variants", type=int, help="number of different prompts (default: 1)")
    _add_at_least(sub)
    sub.add_argument(
        "--pair-prior",
        action=argparse.BooleanOptionalAction,
        help="prefer tags that go together in pictures (default: for tipo-nano alone)",
    )
    sub.add_argument("--rounds", type=int, help="largest number of rounds (default: 1)")
    _add_template(sub)
    _add_bare_text(sub, "tags", "caption")
    _add_common(sub)


def _add_task(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--task", choices=_TASKS, help="trained task (default: tags)")
    sub.add_argument("--length", choices=_LENGTHS, help="length class (default: long)")
    _add_at_least(sub)
    for name in ("tags", "short", "long"):
        sub.add_argument(f"--{name}", help=f"text of the field {name}")
    sub.add_argument("--caption", action=_NoCaption, help=argparse.SUPPRESS)
    _add_bare_text(sub, "tags", "short", "long")
    _add_common(sub)


def _add_at_least(sub: argparse.ArgumentParser) -> None:
    sub.add_argument(
        "--at-least",
        action="store_true",
        default=None,
        help="a length is a lower bound as well: the model must reach it",
    )


def _add_bare_text(sub: argparse.ArgumentParser, *options: str) -> None:
    """Make a text without an option an error that names the options for texts."""

    class BareText(argparse.Action):
        def __call__(
            self,
            parser: argparse.ArgumentParser,
            namespace: argparse.Namespace,
            values: Any,
            option_string: str | None = None,
        ) -> None:
            if values:
                text = " ".join(values)
                shown = [f"--{option} {text!r}" for option in options]
                last = f" or {shown[-1]}" if len(shown) > 1 else ""
                parser.error(f"give the text as {', '.join(shown[:-1] or shown)}{last}")

    sub.add_argument("bare_text", nargs="*", action=BareText, help=argparse.SUPPRESS)


class _NoCaption(argparse.Action):
    """The error for an option that only `expand` has."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        parser.error("a task has no --caption: give the text as --short or --long")


def _add_common(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--request", metavar="FILE", help="a request as JSON; - is standard input")
    sub.add_argument("--model", help="tipo-nano (the default), a model's folder or a .gguf file")
    sub.add_argument("--seed", type=int, help="seed (default: 0)")
    sub.add_argument("--bans", help="rules for tags and sentences that are never added")
    sub.add_argument(
        "--meta",
        action="append",
        metavar="KEY=VALUE",
        help=f"metadata for the model; keys: {', '.join(META_KEYS)}",
    )
    sub.add_argument(
        "--gen-meta", action="store_true", help="let the model propose the missing metadata"
    )
    sub.add_argument(
        "--no-escape-names",
        action="store_true",
        help="do not escape the parentheses of known names",
    )
    sub.add_argument(
        "--resolve-choices",
        action="store_true",
        help="replace each {a|b} in your texts by one of its options; the seed decides",
    )
    sub.add_argument(
        "--translation",
        choices=[mode.value for mode in TranslationMode],
        help="tags of Chinese, Japanese, Korean and Russian words: not read, read by the model, "
        "added to your text, or written in place of the words (default: add_tags)",
    )
    sub.add_argument("--json", action="store_true", help="print JSON")
    _add_sampling(sub)


def _add_sampling(sub: argparse.ArgumentParser) -> None:
    from .lm.generate.sampling_options import SamplingOptions

    defaults = vars(SamplingOptions())
    group = sub.add_argument_group("sampling")
    for name, kind, meaning in _SAMPLING:
        group.add_argument(
            f"--{name.replace('_', '-')}",
            type=kind,
            metavar="NUMBER",
            help=f"{meaning} (default: {defaults[name]})",
        )


@dataclass(frozen=True)
class Job:
    """The values of one request, and the model and sampling options that it wants."""

    model: str
    sampling: SamplingOptions
    request: Mapping[str, Any]


def jobs(given: Mapping[str, Any]) -> tuple[list[Job], bool]:
    """Return the jobs of a command line, and whether the request file has a list."""
    values: Any = {}
    if "request" in given:
        values = read_json(given["request"])
    is_list = isinstance(values, list)
    entries = values if is_list else [values]
    for entry in entries:
        if not isinstance(entry, dict):
            raise ValueError(f"{entry!r} is not a request: write a JSON object")
    return [_job(entry, given) for entry in entries], is_list


def _job(values: Mapping[str, Any], given: Mapping[str, Any]) -> Job:
    from .lm.generate.sampling_options import SamplingOptions
    from .lm.hub.catalog import NANO

    sampling = values.get("sampling", {})
    if not isinstance(sampling, dict):
        raise ValueError(f"sampling is {sampling!r} in the request: write a JSON object")
    unknown = sorted(set(sampling) - {entry.name for entry in fields(SamplingOptions)})
    if unknown:
        known = ", ".join(name for name, *_ in _SAMPLING)
        raise ValueError(f"unknown sampling option {unknown[0]!r}: the known ones are {known}")
    sampling = sampling | {name: given[name] for name, *_ in _SAMPLING if name in given}
    model = given.get("model", values.get("model", NANO))
    request = {name: v for name, v in values.items() if name not in ("model", "sampling")}
    taken = {name for name, *_ in _SAMPLING} | {"command", "request", "model", "json", "preset"}
    options = {name: v for name, v in given.items() if name not in taken}
    if "meta" in options:
        options["meta"] = parse_meta("\n".join(options["meta"]))
    if options.pop("no_escape_names", False):
        options["escape_names"] = False
    if given["command"] == "expand":
        length = options.pop("length", None)
        if length is not None:
            options = {"tag_length": length, "caption_length": length} | options
        if given.get("preset"):
            options["template"] = PRESETS[given["preset"]]
    request |= options
    request.setdefault("safe", model == NANO)
    request = {name: value for name, value in request.items() if value is not None}
    return Job(model, SamplingOptions(**sampling), request)


def read_json(name: str) -> Any:
    """Return the value in a JSON file, `-` being standard input.

    Raises ValueError that names the file if it cannot be read or is not JSON.
    """
    try:
        text = read_standard_input() if name == "-" else Path(name).read_text("utf-8")
    except FileNotFoundError:
        raise ValueError(f"there is no file {name!r}: check the path") from None
    except OSError as error:
        raise ValueError(f"{name!r} cannot be read ({error.strerror}): give a JSON file") from None
    except ValueError as error:  # bytes that are no text, NUL in the name
        raise ValueError(f"{name!r} is not a JSON file ({error})") from None
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{shown_file(name)} is not JSON ({error})") from None


def read_standard_input() -> str:
    """Return the text on standard input. Raises ValueError if it is not UTF-8."""
    source = getattr(sys.stdin, "buffer", None)
    if source is None:
        return sys.stdin.read()
    try:
        text: str = source.read().decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{STANDARD_INPUT} is no UTF-8 text (byte 0x{error.object[error.start]:02x} at "
            f"{error.start}): save the text as UTF-8"
        ) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def shown_file(name: str) -> str:
    """Return the name of an input file for an error."""
    return STANDARD_INPUT if name == "-" else name
