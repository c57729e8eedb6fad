"""Run a single trained task; the user's text stays verbatim."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from ..prompt import Bans, Template, canonical
from ..prompt.choices import resolve_choices
from ..prompt.joins import add_tags, join_caption, join_tags
from ..prompt.presets import DEFAULT_TEMPLATE
from ..prompt.translation.translate import Translation
from ..surrogates import shortened
from .fields import expected_tokens, field_span, fill_fields
from .format import Request, render_request, split_tags
from .policy import TagPolicy, banned_counts
from .progress_meter import ProgressMeter
from .request import Expansion, FieldResult, LanguageModel, check_types
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
    first prompt of the model. `fields` has a value for every field of a template; its caption is
    the long one if the user typed one, else the short one. The other values are those of
    `Expansion`.
    """

    tags: str
    short: str
    long: str
    added: Mapping[Field, str]
    proposed: Mapping[str, str]
    banned: Mapping[str, int]
    prompt: str
    fields: Mapping[str, str]
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
            add_tags(user.text, added[Field.TAG]),
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
        fields=_template_fields(user, pieces, added, short, long),
        results=filled.results,
        was_cancelled=filled.was_cancelled,
        seconds=time.perf_counter() - started,
        translation=user.translation,
    )


def task_expansion(request: TaskRequest, result: TaskResult) -> Expansion:
    """Return the result of a task as an expansion, whose prompt has the default template."""
    added = (
        result.added.get(Field.TAG, ""),
        result.fields["continued"] or (result.fields["generated"]),
    )
    return Expansion(
        prompt=Template.parse(DEFAULT_TEMPLATE).render(result.fields),
        tags=result.tags,
        caption=result.fields["extended"] or result.fields["generated"],
        added="\n".join(part for part in added if part),
        added_tags=tuple(split_tags(added[0])),
        added_caption=added[1],
        fields=result.fields,
        proposed=result.proposed,
        banned=result.banned,
        passes=(),
        seed=request.seed,
        variant=0,
        attempts=1,
        repeats=None,
        was_cancelled=result.was_cancelled,
        seconds=result.seconds,
        translation=result.translation,
    )


def _template_fields(
    user: UserTags, pieces: Iterable[str], added: Mapping[Field, str], short: str, long: str
) -> dict[str, str]:
    """Return the fields of a template. A caption that the user did not type is `generated`."""
    typed_short, typed_long = user.captions
    if typed_long.strip():
        fields = user.template_fields(pieces, typed_long, added[Field.LONG])
        return {**fields, "extended": long}
    fields = user.template_fields(pieces, typed_short, added[Field.SHORT])
    if typed_short.strip():
        return {**fields, "extended": short, "generated": long}
    return {**fields, "generated": long or short}


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
