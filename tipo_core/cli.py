"""The command line: the text nodes without ComfyUI, and DreamBooth on a ComfyUI server.

`--request FILE` reads a JSON object with the values of the command's request, and with `model` and
`sampling`; `-` is standard input. Options on the command line win over the file. A list of objects
gives a list of results. Ctrl-C prints the text so far.
"""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from . import (
    DEFAULT_TEMPLATE,
    PRESETS,
    Bans,
    Cancelled,
    ExpansionRequest,
    TaskRequest,
    Template,
    expand_request,
    load_model,
    parse,
    run_task,
    split_prompt,
)
from .cli_arguments import jobs, parser, read_json, read_standard_input, shown_file
from .dreambooth.remote.commands import run_dreambooth
from .expansion.json_form import AnyRequest, expansion_json, read_request, task_json
from .migrate.commands import run_migrate
from .prompt import FIELDS
from .surrogates import refuse_surrogates

if TYPE_CHECKING:
    from . import SamplingOptions
    from .lm.generate.engine import LlamaLanguageModel

_INTERRUPTED = 130
_LONGEST_QUOTE = 60  # characters
# The options for sentences.
_CAPTION_OPTIONS = {ExpansionRequest: "--caption", TaskRequest: "--short or --long"}
_Report = Callable[[float], None]
# The result as JSON values, and its texts.
_Result = tuple[Any, list[str]]


def _run_expand(given: Mapping[str, Any]) -> int:
    def run(model: LlamaLanguageModel, request: ExpansionRequest, report: _Report) -> _Result:
        expansions = expand_request(model, request, report)
        texts = [expansion.prompt for expansion in expansions]
        if not given.get("json"):
            _note_unknown(word for one in expansions for word in one.translation.unknown)
        return [expansion_json(expansion) for expansion in expansions], texts

    return _run_model(given, ExpansionRequest, run)


def _run_task(given: Mapping[str, Any]) -> int:
    def run(model: LlamaLanguageModel, request: TaskRequest, report: _Report) -> _Result:
        result = run_task(model, **vars(request), on_progress=report)
        if not given.get("json"):
            _note_unknown(result.translation.unknown)
        return task_json(result), [f"{name.value}: {text}" for name, text in result.added.items()]

    return _run_model(given, TaskRequest, run)


def _run_model(
    given: Mapping[str, Any],
    kind: type[AnyRequest],
    run: Callable[[LlamaLanguageModel, AnyRequest, _Report], _Result],
) -> int:
    """Run the requests of a command line with their models; return the exit code."""
    asked, is_list = jobs(given)
    # A bad request is an error before a model is loaded.
    requests = [read_request(kind, job.request) for job in asked]
    for request in requests:
        if isinstance(request, ExpansionRequest):
            _template_of(request.template)
        _note_sentences(request.tags, _CAPTION_OPTIONS[kind])
    results: list[Any] = []
    texts: list[str] = []
    models: dict[tuple[str, SamplingOptions], LlamaLanguageModel] = {}
    with _interruptible() as progress:
        for job, request in zip(asked, requests, strict=True):
            key = (job.model, job.sampling)
            if key not in models:
                models[key] = load_model(*key)
            result, shown = run(models[key], request, progress)
            results.append(result)
            texts += shown
            if progress.was_interrupted:
                break
    if given.get("json"):
        _write_json(results if is_list else results[0])
    else:
        sys.stdout.write(("\n" if kind is TaskRequest else "\n\n").join(texts) + "\n")
    return _INTERRUPTED if progress.was_interrupted else 0


class _Interruptible:
    """A progress callback that ends the run after a Ctrl-C."""

    was_interrupted = False

    def __call__(self, share: float) -> None:
        if self.was_interrupted:
            raise Cancelled

    def interrupt(self, *_: object) -> None:
        self.was_interrupted = True


@contextmanager
def _interruptible() -> Iterator[_Interruptible]:
    progress = _Interruptible()
    try:
        before = signal.signal(signal.SIGINT, progress.interrupt)
    except ValueError:  # not the main thread
        yield progress
        return
    try:
        yield progress
    finally:
        signal.signal(signal.SIGINT, before)


def _run_split(given: Mapping[str, Any]) -> int:
    text = given["text"]
    if text in (None, "-"):
        text = read_standard_input()
    split = split_prompt(text)
    names = ("tags", "caption", "networks", "rest")
    if given["json"]:
        parts = [{"text": p.text, "side": p.side.value, "start": p.start} for p in split.parts]
        _write_json({**{name: getattr(split, name) for name in names}, "parts": parts})
    else:
        sys.stdout.write("".join(f"{name}: {getattr(split, name)}\n" for name in names))
    return 0


def _run_bans(given: Mapping[str, Any]) -> int:
    refuse_surrogates("tags", given["tags"])
    bans = Bans.parse(given["bans"])
    _note_sentences(given["tags"], "")
    tags = [word for segment in parse(given["tags"]).segments() for word in segment.words]
    banned = {tag: entry for tag in tags if (entry := bans.reason(tag, tags)) is not None}
    if given["json"]:
        _write_json(banned)
    else:
        sys.stdout.write("".join(f"{tag}: {banned.get(tag, '-')}\n" for tag in tags))
    return 0


def _run_format(given: Mapping[str, Any]) -> int:
    preset, text = given["preset"], given["template"]
    template = _template_of(
        PRESETS[preset] if preset else DEFAULT_TEMPLATE if text is None else text
    )
    values = read_json(given["expansion"])
    entries = values if isinstance(values, list) else [values]
    for entry in entries:
        if not isinstance(entry, dict) or not isinstance(entry.get("fields"), dict):
            raise ValueError(
                f"{shown_file(given['expansion'])} is not an expansion: pass the output of "
                "`expand --json`"
            )
    sys.stdout.write("\n\n".join(template.render(entry["fields"]) for entry in entries) + "\n")
    return 0


def _template_of(text: str) -> Template:
    """Parse a template. Raises ValueError for one without a field: its text never changes."""
    template = Template.parse(text)
    if not template.fields:
        raise ValueError(
            f"the template {text!r} has no field, so it gives the same text for every prompt: use "
            f"{', '.join(f'<|{name}|>' for name in FIELDS)}"
        )
    return template


def _note_sentences(tags: str, option: str) -> None:
    """Write a note on standard error if a list of tags has sentences in it."""
    caption = split_prompt(tags).caption
    if caption:
        line = " ".join(caption.split())
        shown = line if len(line) <= _LONGEST_QUOTE else f"{line[: _LONGEST_QUOTE - 4]} ..."
        other = f"give them as {option}, or " if option else ""
        sys.stderr.write(
            f"note: --tags has sentences: {shown!r}. For better results {other}split the prompt "
            "with the command split.\n"
        )


def _note_unknown(words: Iterable[str]) -> None:
    """Write a note on standard error that names words in other languages without a tag."""
    unknown = ", ".join(dict.fromkeys(words))
    if unknown:
        sys.stderr.write(f"note: not in the dictionary: {unknown}\n")


def _write_json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


_COMMANDS: Mapping[str, Callable[[Mapping[str, Any]], int]] = {
    "expand": _run_expand,
    "task": _run_task,
    "split": _run_split,
    "bans": _run_bans,
    "format": _run_format,
    "dreambooth": run_dreambooth,
    "migrate": run_migrate,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit code. A bad input is one line on standard error."""
    given = vars(parser(__doc__).parse_args(arguments))
    try:
        return _COMMANDS[given["command"]](given)
    except (ValueError, OSError, RuntimeError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
