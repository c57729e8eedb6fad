"""Run a single trained task; the user's text stays verbatim."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from ..prompt import Bans, canonical
from ..prompt.choices import resolve_choices
from ..prompt.joins import join_caption, join_tags
from ..prompt.translation.translate import Translation
from ..surrogates import shortened
from .fields import expected_tokens, field_span, fill_fields
from .format import Request, render_request
from .policy import TagPolicy, banned_counts
from .progress_meter import ProgressMeter
from .request import FieldResult, LanguageModel, check_types
from .tasks import Field, Length, Task, TranslationMode
from .user_text import UserTags


@dataclass(frozen=True)
class TaskRequest:
    """One task and the texts of its fields, verbatim.

    The model begins to write in the first field of the task that is empty, or in its last one. A
    field that the task does not have is returned as it is. `resolve_choices` applies to all three
    texts. The other values are those of `ExpansionRequest`.
    """

    task: Task = Task.TAGS
    length: Length = Length.LONG
    tags: str = ""
    short: str = ""
    long: str = ""
    meta: Mapping[str, str] = field(default_factory=dict)
    gen_meta: bool = False
    bans: str = ""
    seed: int = 0
    escape_names: bool = True
    safe: bool = True
    resolve_choices: bool = False
    at_least: bool = False
    translation: TranslationMode = TranslationMode.ADD_TAGS

    def __post_init__(self) -> None:
        names: dict[str, tuple[str, ...]] = {
            "str": ("tags", "short", "long", "bans"),
            "int": ("seed",),
        }
        names["bool"] = ("gen_meta", "escape_names", "safe", "resolve_choices", "at_least")
        check_types(self, {**names, "TranslationMode": ("translation",)})
        if not isinstance(self.task, Task):
            raise TypeError(f"task is {shortened(self.task)}: give a Task such as Task.TAGS")
        if not isinstance(self.length, Length):
            raise TypeError(
                f"length is {shortened(self.length)}: give a Length such as Length.SHORT"
            )

    def with_choices(self) -> TaskRequest:
        """Return the request with its choices resolved if that is requested."""
        if not self.resolve_choices:
            return self
        return replace(
            self,
            tags=resolve_choices(self.tags, self.seed, "tags"),
            short=resolve_choices(self.short, self.seed, "short"),
            long=resolve_choices(self.long, self.seed, "long"),
        )


@dataclass(frozen=True)
class TaskResult:
    """The texts of a task: `tags`, `short` and `long` begin with the user's own text.

    `added` is the added text of each field: the tags of foreign words, then the model's text.
    `results` are the counts of each field that the model wrote, `prompt` the
    first prompt of the model. The other values are those of `Expansion`.
    """

    tags: str
    short: str
    long: str
    added: Mapping[Field, str]
    proposed: Mapping[str, str]
    banned: Mapping[str, int]
    prompt: str
    results: Mapping[Field, FieldResult]
    was_cancelled: bool
    seconds: float
    translation: Translation = field(default_factory=Translation)


def run_task(
    model: LanguageModel,
    request: TaskRequest,
    on_progress: Callable[[float], None] | None = None,
) -> TaskResult:
    """Return the fields of `request` with the model's additions.

    `on_progress` is that of `expand`. Bad bans or metadata are a ValueError that quotes the entry,
    raised before the model runs.
    """
    started = time.perf_counter()
    progress = ProgressMeter(on_progress)
    typed = request.tags, request.short, request.long
    request = progress.read(request.with_choices, *typed)
    # 1) the user's text in plain words
    user, plain, policy = progress.read(partial(_prepared, request), *typed, request.bans)
    prompt = render_request(plain)
    # 2) the model writes the fields
    at_least = request.at_least
    expected = sum(
        expected_tokens(name, 0, field_span(plain, name, at_least)) for name in plain.task.fields
    )
    on_token = progress.token_counter(expected)
    filling = fill_fields(plain, request.seed, policy, on_token, progress.check, at_least)
    (filled,) = model.run([filling])
    # 3) its additions follow the user's text
    pieces = filled.results[Field.TAG].pieces if Field.TAG in filled.results else ()
    written = {name: filled.answer.fields.get(name, "") for name in Field}
    written[Field.TAG] = ", ".join(user.spelled(tag) for tag in pieces)
    rejected = user.banned + Counter(filled.rejected_meta)
    for result in filled.results.values():
        rejected.update(result.rejected)
    added = {
        Field.TAG: join_tags(", ".join(user.added_tags), written[Field.TAG]),
        Field.SHORT: user.added_caption(0, written[Field.SHORT]),
        Field.LONG: user.added_caption(1, written[Field.LONG]),
    }
    tags, short, long = progress.read(
        lambda: (
            join_tags(user.text, added[Field.TAG]),
            join_caption(user.captions[0], added[Field.SHORT]),
            join_caption(user.captions[1], added[Field.LONG]),
        ),
        *typed,
    )
    return TaskResult(
        tags=tags,
        short=short,
        long=long,
        added={
            name: text.strip()
            for name, text in added.items()
            if name in filled.results or text.strip()
        },
        proposed=filled.answer.meta,
        banned=banned_counts(rejected),
        prompt=prompt,
        results=filled.results,
        was_cancelled=filled.was_cancelled,
        seconds=time.perf_counter() - started,
        translation=user.translation,
    )


def _prepared(request: TaskRequest) -> tuple[UserTags, Request, TagPolicy]:
    """The user's tags, the request in plain words, and what may be added to it."""
    bans = Bans.parse(request.bans)
    sentences = [request.short, request.long]
    user = UserTags(request.tags, request.escape_names, request.translation, sentences, bans)
    given = {
        Field.TAG: ", ".join(user.general),
        Field.SHORT: user.plain_captions[0],
        Field.LONG: user.plain_captions[1],
    }
    plain = Request(
        request.task,
        request.length,
        {name: text for name, text in given.items() if name in request.task.fields},
        user.metadata(request.meta),
        request.gen_meta,
    )
    captions = {name: given[name] for name in (Field.SHORT, Field.LONG)}
    policy = TagPolicy(user.plain, captions, bans=bans, safe=request.safe)
    policy.present.update(map(canonical, user.caption_tags))
    return user, plain, policy
