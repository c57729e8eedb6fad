"""E: (simple prompt, metadata) -> detailed prompt.

Tags are grown first, then the caption from the grown tags, and the result is expanded again until
both have their length. What the user typed is carried along verbatim; the model sees a plain
rendering of it, and what the model writes is put behind it.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial

from ..lm.generate.completion import Cancelled, Result, Steps
from ..prompt import Bans, Template, count_sentences, split_sentences
from .fields import derived_seed, field_count, grow_field, meta_steps
from .format import Request
from .policy import Judge, by_rule
from .progress_meter import Meter, expected_tokens
from .request import Expansion, ExpansionRequest, LanguageModel, PassReport
from .tasks import Field, Length, Pass, Task, plan_passes
from .user_text import UserTags, join_caption, join_tags, plain_caption

# How often a variant is drawn that comes out equal to an earlier one.
ATTEMPTS = 4

Progress = Callable[[float], None]


def expand(
    model: LanguageModel,
    request: ExpansionRequest,
    on_progress: Progress | None = None,
) -> list[Expansion]:
    """Return the variants of `request`, in order.

    `on_progress` hears the share that is done, from 0 to 1, after every token. It may raise: with
    `Cancelled` what is there by then is returned, variants that were not finished being marked;
    anything else goes through. Variant k depends on the seed and the variants before it, never on
    how many are asked for; one that equals an earlier one is drawn again, at most `ATTEMPTS`
    times. Bad bans or templates are a ValueError that quotes the entry, raised before the model
    is asked.
    """
    bans = Bans.parse(request.bans)
    template = Template.parse(request.template)
    progress = _Monotone(on_progress, request.variants)

    def grow(variant: int, attempt: int) -> Steps[_Growth]:
        seed = derived_seed(request.seed, variant, attempt)
        return _Growth(request, bans, seed, partial(progress, variant)).grow()

    # 1) the first draw of all variants, side by side
    grown = model.answer([grow(variant, 0) for variant in range(request.variants)])
    # 2) in their order, so that each knows the texts before it: what equals one is drawn again
    expansions: list[Expansion] = []
    earlier: dict[tuple[str, str], int] = {}
    for variant, growth in enumerate(grown):
        drawn = growth.result(template, variant, 1, earlier)
        before: tuple[str, str] | None = None
        while (
            drawn.repeats is not None
            and not drawn.was_cancelled
            and drawn.attempts < ATTEMPTS
            and _text_of(drawn) != before
        ):
            before = _text_of(drawn)
            (growth,) = model.answer([grow(variant, drawn.attempts)])
            drawn = growth.result(template, variant, drawn.attempts + 1, earlier)
        if drawn.was_cancelled and not drawn.added and expansions:
            continue  # nothing had come of it yet
        expansions.append(drawn)
        earlier.setdefault(_text_of(drawn), variant)
    if not any(one.was_cancelled for one in expansions):
        with contextlib.suppress(Cancelled):
            progress.finish()
    return expansions


def _text_of(expansion: Expansion) -> tuple[str, str]:
    return expansion.tags, expansion.caption


class _Monotone:
    """Reports the share of all variants that is done; it never falls."""

    def __init__(self, on_progress: Progress | None, variants: int) -> None:
        self._on_progress = on_progress
        self._shares = [0.0] * variants
        self._share = 0.0

    def __call__(self, variant: int, share: float) -> None:
        self._shares[variant] = max(self._shares[variant], min(1.0, share))
        self._report(sum(self._shares) / len(self._shares))

    def finish(self) -> None:
        """Report that all is done."""
        self._report(1.0)

    def _report(self, share: float) -> None:
        self._share = max(self._share, share)
        if self._on_progress is not None:
            self._on_progress(self._share)


class _Growth:
    """One variant on its way: the user's text, and what has been added so far."""

    def __init__(
        self,
        request: ExpansionRequest,
        bans: Bans,
        seed: int,
        report: Progress,
    ) -> None:
        self.request = request
        self.bans = bans
        self.seed = seed
        self.report = report
        self.user = UserTags(request.tags, request.escape_names)
        self.meta = self.user.metadata(request.meta)
        self.user_caption = plain_caption(request.caption)
        self.judge = self._new_judge()
        self.added_tags: list[str] = []
        self.added_caption = ""
        self.proposed: dict[str, str] = {}
        self.reports: list[PassReport] = []
        self.rejected: Counter[str] = Counter()
        self.was_cancelled = False
        self.seconds = 0.0

    @property
    def tags(self) -> str:
        """The tag line as the model sees it."""
        return ", ".join([*self.user.general, *self.added_tags])

    @property
    def caption(self) -> str:
        """The caption as the model sees it."""
        return self.user_caption + self.added_caption

    def grow(self) -> Steps[_Growth]:
        """Apply the expansion until both lengths are reached, the rounds are over, or cancelled."""
        started = time.perf_counter()
        yield from self._rounds()
        if self.request.gen_meta and not self.was_cancelled:
            yield from self._propose_metadata()
        self.seconds = time.perf_counter() - started
        return self

    def _rounds(self) -> Steps[None]:
        for number in range(self.request.rounds):
            plan = plan_passes(
                has_tags=bool(self.tags),
                has_caption=bool(self.caption),
                tag_length=self.request.tag_length,
                caption_length=self.request.caption_length,
            )
            for place, step in enumerate(plan):
                if number and self._is_reached(step):
                    continue
                # Later rounds, which are not expected, leave the bar where it is.
                yield from self._pass(step, number, place, 0.0 if number else 1.0 / len(plan))
                if self.was_cancelled:
                    return
            if all(self._is_reached(step) for step in plan):
                break

    def _new_judge(self) -> Judge:
        captions = {Field.LONG: self.user_caption}
        return Judge(self.user.plain, captions, bans=self.bans, safe=self.request.safe)

    def _count(self, field: Field) -> int:
        """How many tags, or sentences of the caption, are there by now."""
        if field is Field.TAG:
            return field_count(Field.TAG, self.tags)
        return count_sentences(self.caption)

    def _is_reached(self, step: Pass) -> bool:
        is_tags = step.grows is Field.TAG
        span = step.length.tags if is_tags else step.length.sentences
        return self._count(step.grows) >= span.least

    def _pass(self, step: Pass, number: int, place: int, width: float) -> Steps[None]:
        """Bring one part to its length class."""
        is_tags = step.grows is Field.TAG
        span = step.length.tags if is_tags else step.length.sentences
        expected = expected_tokens(step.grows, self._count(step.grows), span)
        seed = derived_seed(self.seed, number, place)
        meter = Meter(self.report, expected, place * width, width)
        scaffold = ""
        if step.task is Task.TAG_TO_LONG and not self.tags:
            scaffold = yield from self._scaffold(step.length, derived_seed(seed, 0), meter)
            if self.was_cancelled:
                return
        request = self._request(step, scaffold)
        growing = grow_field(request, step.grows, span, derived_seed(seed, 1), self.judge)
        grown = yield from self._heard(growing, meter)
        if is_tags:
            self.added_tags += grown.pieces
        else:
            self.added_caption += grown.added
        self.rejected.update(grown.rejected)
        self.reports.append(PassReport(step, number, grown))

    def _heard(self, steps: Steps[Result], meter: Meter) -> Steps[Result]:
        """Run `steps`; note it when they were cancelled."""
        result = yield from meter.hear(steps)
        self.was_cancelled |= meter.was_cancelled
        return result

    def _request(self, step: Pass, scaffold: str) -> Request:
        given = {Field.TAG: self.tags or scaffold, Field.LONG: self.caption}
        if step.grows is Field.TAG or step.task is Task.SHORT_TO_LONG:
            given[Field.SHORT] = self.user_caption or self._gist()
        return Request(step.task, step.length, given, self.meta)

    def _gist(self) -> str:
        """The first sentence of the caption that was written, as the short one of a next round."""
        return "".join(split_sentences(self.caption)[:1]).strip()

    def _scaffold(self, length: Length, seed: int, meter: Meter) -> Steps[str]:
        """With nothing given a caption is written from tags that are not part of the result."""
        request = Request(Task.TAGS, length, {}, self.meta)
        growing = grow_field(request, Field.TAG, length.tags, seed, self._new_judge())
        grown = yield from self._heard(growing, meter)
        return grown.added

    def _propose_metadata(self) -> Steps[None]:
        """Ask for the metadata that was not given."""
        given = {Field.TAG: self.tags, Field.LONG: self.caption}
        task, length = Task.TAGS, self.request.tag_length
        if self.caption:
            task, length = Task.TAG_TO_LONG, self.request.caption_length
            if not self.tags:
                task, given[Field.SHORT] = Task.SHORT_TO_LONG, self.user_caption or self._gist()
        elif not self.tags:
            return
        request = Request(task, length or Length.LONG, given, self.meta, gen_meta=True)
        asking = meta_steps(request, derived_seed(self.seed, self.request.rounds), self.judge)
        meter = Meter(self.report, 1, 1.0, 0.0)
        self.proposed, refused = yield from self._heard(asking, meter)
        self.rejected.update(refused)

    def result(
        self,
        template: Template,
        variant: int,
        attempts: int,
        earlier: Mapping[tuple[str, str], int],
    ) -> Expansion:
        """Put the user's text and the additions together."""
        added = ", ".join(self.user.written(tag) for tag in self.added_tags)
        has_caption = bool(self.request.caption.strip())
        caption = join_caption(self.request.caption, self.added_caption)
        fields = {
            **self.user.by_category(self.added_tags),
            "user": self.user.text,
            "added": added,
            "extended": caption if has_caption else "",
            "generated": "" if has_caption else caption,
        }
        tags = join_tags(self.user.text, added)
        return Expansion(
            prompt=template.render(fields),
            tags=tags,
            caption=caption,
            added="\n".join(part for part in (added, self.added_caption.strip()) if part),
            added_tags=tuple(self.added_tags),
            added_caption=self.added_caption.strip(),
            fields=fields,
            proposed=self.proposed,
            banned=by_rule(self.rejected),
            passes=tuple(self.reports),
            seed=self.request.seed,
            variant=variant,
            attempts=attempts,
            repeats=earlier.get((tags, caption)),
            was_cancelled=self.was_cancelled,
            seconds=self.seconds,
        )
