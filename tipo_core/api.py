"""The functions that `tipo_core` offers by keyword: see the package's docstring."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from .expansion import expand as _expand
from .expansion import task as _task
from .expansion.json_form import NONE, length_named, task_named, translation_named
from .expansion.request import Expansion, ExpansionRequest, LanguageModel
from .expansion.task import TaskRequest, TaskResult
from .expansion.tasks import Length, Task, TranslationMode
from .prompt.presets import DEFAULT_TEMPLATE
from .surrogates import require_text

if TYPE_CHECKING:
    from .lm.generate.engine import LlamaLanguageModel
    from .lm.generate.sampling_options import SamplingOptions


def load_model(
    name: str | Path = "tipo-nano", options: SamplingOptions | None = None
) -> LlamaLanguageModel:
    """Load a language model on the CPU.

    `name` is `"tipo-nano"`, which comes with the package, a folder with config.json, the
    tokenizer and the weights, or a .gguf file. `options` says how tokens are drawn; None is
    `SamplingOptions()`.

    Raises FileNotFoundError if there is no such model, and ValueError if its files are damaged or
    of a kind that is not supported.

    After a fork the child must not use a model of its parent: torch's threads do not survive it, so
    a run may hang. With multiprocessing use the start method "spawn".

    >>> model = load_model("tipo-nano")
    """
    from .lm.generate.sampling_options import SamplingOptions
    from .lm.hub.local_model import load_local

    if not isinstance(name, (str, Path)):
        require_text("name", name)
    return load_local(str(name), SamplingOptions() if options is None else options)


def expand(
    model: LanguageModel,
    *,
    tags: str = "",
    caption: str = "",
    tag_length: Length | str | None = Length.LONG,
    caption_length: Length | str | None = Length.LONG,
    seed: int = 0,
    bans: str = "",
    template: str = DEFAULT_TEMPLATE,
    meta: Mapping[str, str] | None = None,
    gen_meta: bool = False,
    rounds: int = 1,
    escape_names: bool = True,
    safe: bool = True,
    resolve_choices: bool = False,
    at_least: bool = False,
    pair_prior: bool | None = None,
    translation: TranslationMode | str = TranslationMode.ADD_TAGS,
    on_progress: Callable[[float], None] | None = None,
) -> Expansion:
    """Expand a simple prompt into a detailed one; the user's text stays verbatim.

    A length is a `Length` or its name (`"very_short"`, `"short"`, `"long"`, `"very_long"`); None
    or `"none"` leaves that part as it is. `translation` is a `TranslationMode` or its name
    (`"off"`, `"model_only"`, `"add_tags"`, `"replace"`). The other values are those of
    `ExpansionRequest`. For several variants see `expand_request`.

    `on_progress` receives the share that is done, from 0 to 1, after every token. It may raise
    `Cancelled`: then the text so far is returned, with `was_cancelled` set.

    Raises ValueError for a bad length, ban, template or metadata key; the error quotes the entry.

    >>> result = expand(load_model(), tags="1girl, cat ears", caption_length=None)
    >>> result.tags.startswith("1girl, cat ears, ")
    True
    """
    request = ExpansionRequest(
        tags=tags,
        caption=caption,
        tag_length=_length(tag_length),
        caption_length=_length(caption_length),
        meta=meta or {},
        bans=bans,
        template=template,
        seed=seed,
        gen_meta=gen_meta,
        rounds=rounds,
        escape_names=escape_names,
        safe=safe,
        resolve_choices=resolve_choices,
        at_least=at_least,
        pair_prior=pair_prior,
        translation=translation_named(translation),
    )
    return expand_request(model, request, on_progress)[0]


def expand_request(
    model: LanguageModel,
    request: ExpansionRequest,
    on_progress: Callable[[float], None] | None = None,
) -> list[Expansion]:
    """Return the variants of `request`, in order; they are written side by side.

    Variant k depends on the seed and the variants before it, not on the number of variants.
    `on_progress` is that of `expand`. Raises ValueError for a bad ban, template or metadata key.

    >>> request = ExpansionRequest(tags="1girl", caption_length=None, variants=2, seed=1)
    >>> [variant.seed for variant in expand_request(load_model(), request)]
    [1, 1]
    """
    _check_model(model)
    return _expand.expand(model, request, on_progress)


def run_task(
    model: LanguageModel,
    task: Task | str = Task.TAGS,
    *,
    length: Length | str = Length.LONG,
    tags: str = "",
    short: str = "",
    long: str = "",
    seed: int = 0,
    bans: str = "",
    meta: Mapping[str, str] | None = None,
    gen_meta: bool = False,
    escape_names: bool = True,
    safe: bool = True,
    resolve_choices: bool = False,
    at_least: bool = False,
    translation: TranslationMode | str = TranslationMode.ADD_TAGS,
    on_progress: Callable[[float], None] | None = None,
) -> TaskResult:
    """Run one of TIPO's trained tasks, for example `"tag_to_long"`, on the text of its fields.

    `tags`, `short` and `long` are the texts of the fields; the model begins to write in the first
    field of the task that is empty, or in its last one. The other values are those of
    `TaskRequest`, and `on_progress` is that of `expand`.

    Raises ValueError for an unknown task or length, a bad ban or metadata key.

    >>> run_task(load_model(), "tag_to_long", tags="1girl, hat", length="short").tags
    '1girl, hat'
    """
    request = TaskRequest(
        task=task_named(task) if not isinstance(task, Task) else task,
        length=length_named(length),
        tags=tags,
        short=short,
        long=long,
        meta=meta or {},
        gen_meta=gen_meta,
        bans=bans,
        seed=seed,
        escape_names=escape_names,
        safe=safe,
        resolve_choices=resolve_choices,
        at_least=at_least,
        translation=translation_named(translation),
    )
    _check_model(model)
    return _task.run_task(model, request, on_progress)


def _check_model(model: object) -> None:
    if not hasattr(model, "run"):
        raise TypeError(f"model is {model!r}: give the model that load_model(name) returns")


def _length(length: Length | str | None) -> Length | None:
    return None if length is None or length == NONE else length_named(length)
