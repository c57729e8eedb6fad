"""A single trained task, with the user's text kept as everywhere."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ..prompt import Bans
from .fields import field_span, fill_steps
from .format import Request, render_request
from .policy import Judge, by_rule
from .progress_meter import Meter, expected_tokens
from .request import Grown, LanguageModel
from .tasks import Field, Length, Task
from .user_text import UserTags, join_caption, join_tags, plain_caption


@dataclass(frozen=True)
class TaskRequest:
    """One task and the texts for its fields, verbatim.

    The first field of the task that is empty, or its last one, is where the model begins to
    write; a field that the task does not have is returned as it is. The rest is as in
    `ExpansionRequest`.
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


@dataclass(frozen=True)
class TaskResult:
    """What became of a task.

    `tags`, `short` and `long` begin with the user's own text; `added` is what the model wrote in
    each field, `asked` the text that the model was given, `grown` how each field went.
    """

    tags: str
    short: str
    long: str
    added: Mapping[Field, str]
    proposed: Mapping[str, str]
    banned: Mapping[str, int]
    asked: str
    grown: Mapping[Field, Grown]
    was_cancelled: bool
    seconds: float


def run_task(
    model: LanguageModel,
    request: TaskRequest,
    on_progress: Callable[[float], None] | None = None,
) -> TaskResult:
    """Return the fields of `request` as the model filled them.

    `on_progress` is heard as by `expand`. Bad bans or metadata are a ValueError that quotes the
    entry, raised before the model is asked.
    """
    started = time.perf_counter()
    user = UserTags(request.tags, request.escape_names)
    given = {
        Field.TAG: ", ".join(user.general),
        Field.SHORT: plain_caption(request.short),
        Field.LONG: plain_caption(request.long),
    }
    asked = Request(
        request.task,
        request.length,
        {name: text for name, text in given.items() if name in request.task.fields},
        user.metadata(request.meta),
        request.gen_meta,
    )
    captions = {name: given[name] for name in (Field.SHORT, Field.LONG)}
    judge = Judge(user.plain, captions, bans=Bans.parse(request.bans), safe=request.safe)
    expected = sum(expected_tokens(name, 0, field_span(asked, name)) for name in asked.task.fields)
    meter = Meter(on_progress, expected)
    (filled,) = model.answer([meter.hear(fill_steps(asked, request.seed, judge))])
    pieces = filled.grown[Field.TAG].pieces if Field.TAG in filled.grown else ()
    texts = {name: filled.answer.fields.get(name, "") for name in Field}
    texts[Field.TAG] = ", ".join(user.written(tag) for tag in pieces)
    rejected = Counter(filled.rejected_meta)
    for one in filled.grown.values():
        rejected.update(one.rejected)
    return TaskResult(
        tags=join_tags(user.text, texts[Field.TAG]),
        short=join_caption(request.short, texts[Field.SHORT]),
        long=join_caption(request.long, texts[Field.LONG]),
        added={name: text.strip() for name, text in texts.items() if name in filled.grown},
        proposed=filled.answer.meta,
        banned=by_rule(rejected),
        asked=render_request(asked),
        grown=filled.grown,
        was_cancelled=meter.was_cancelled,
        seconds=time.perf_counter() - started,
    )
