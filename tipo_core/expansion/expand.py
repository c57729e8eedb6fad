"""Expand a simple prompt: tags first, then the caption from all tags.

A request may expand the result again until both parts have their length. The user's text stays
verbatim and comes first; the model reads it in plain words, and its additions follow.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from ..lm.generate.completion import Cancelled, Generation, StopReason
from ..prompt import Bans, Template, canonical, count_sentences, person_range, split_sentences
from ..prompt.joins import add_tags
from ..prompt.vocabulary.toy_words import is_toy_scene, without_toy_artist
from .caption_rules.caption_growth import CaptionTags, grow_caption
from .fields import (
    continued_text,
    derived_seed,
    expected_tokens,
    grow_field,
    propose_meta,
)
from .format import Request, split_tags
from .pair_prior.guide import NO_HUMANS, TagGuide
from .policy import TagPolicy, banned_counts
from .progress_meter import ProgressMeter
from .request import Expansion, ExpansionRequest, FieldResult, LanguageModel, PassReport
from .shown.draft import Draft, watched
from .shown.text_spans import prompt_spans
from .tag_growth import grow_tags
from .tasks import Field, Length, Pass, Task, plan_passes
from .user_text import UserTags

# Draws of a variant whose text equals an earlier one's.
ATTEMPTS = 4


def expand(
    model: LanguageModel,
    request: ExpansionRequest,
    on_progress: Callable[[float], None] | None = None,
    on_draft: Callable[[Sequence[Draft]], None] | None = None,
) -> list[Expansion]:
    """Return the variants of `request`, in order.

    `on_progress` receives the share that is done, from 0 to 1, after every token and between the
    stages of work on the user's text. It may raise `Cancelled`: then the text so far is returned,
    and unfinished variants are marked. Any other exception reaches the caller.

    `on_draft` receives the variants as far as they are written, after each token and each part of a
    variant. It must be quick: it decides how often it reads their texts.

    Variant k depends on the seed and the variants before it, never on the number of variants. A
    variant that equals an earlier one is drawn again, at most `ATTEMPTS` times in all.

    Bad bans or templates are a ValueError that quotes the entry, raised before the model runs.
    """
    progress = ProgressMeter(on_progress, request.variants)
    bans, template = progress.read(
        lambda: (Bans.parse(request.bans), Template.parse(request.template)),
        request.bans,
        request.template,
    )
    typed = request.tags, request.caption
    is_of_pairs = getattr(model, "uses_pair_prior", False)
    uses_pairs = request.pair_prior
    if uses_pairs is None:
        # tipo-nano was taught the drawings of the demo; the table knows real pictures.
        is_toy = is_toy_scene(request.meta, typed)
        uses_pairs = is_of_pairs and not is_toy
    # The shipped weights have not learned the line: with it they leave toy-sd's words more often.
    request = replace(request, meta=without_toy_artist(request.meta))
    requests = [
        progress.read(partial(request.with_choices, variant), *typed)
        for variant in range(request.variants)
    ]
    users: dict[tuple[str, str], UserTags] = {}
    for own in requests:
        if (own.tags, own.caption) not in users:
            given = own.tags, own.escape_names, own.translation, [own.caption], bans
            make = partial(UserTags, *given)
            users[own.tags, own.caption] = progress.read(make, own.tags, own.caption)

    drafts = [Draft((own.tags, own.caption)) for own in requests]

    def grow(variant: int, attempt: int) -> Generation[VariantState]:
        own = requests[variant]
        user = users[own.tags, own.caption]
        make = partial(VariantState, own, user, bans, variant, attempt, uses_pairs, is_of_pairs)
        state = progress.read(make, own.tags, own.caption)
        if on_draft is None:
            return state.grow(progress)
        drafts[variant] = draft = Draft(state.typed)
        show = partial(on_draft, drafts)
        state.show_in(draft, show)
        return watched(state.grow(progress), state.policy, draft, show)

    # 1) the first draw of all variants, side by side
    states = model.run([grow(variant, 0) for variant in range(request.variants)])
    # 2) in order, so that each variant is compared with those before it
    expansions: list[Expansion] = []
    earlier: dict[tuple[str, str], int] = {}
    for variant, state in enumerate(states):
        drawn = progress.read(partial(state.result, template, earlier), *state.typed)
        before: tuple[str, str] | None = None
        while (
            drawn.repeats is not None
            and not drawn.was_cancelled
            and drawn.attempts < ATTEMPTS
            and _text_of(drawn) != before
        ):
            before = _text_of(drawn)
            (state,) = model.run([grow(variant, drawn.attempts)])
            drawn = progress.read(partial(state.result, template, earlier), *state.typed)
        if drawn.was_cancelled and not _is_grown(drawn) and expansions:
            continue  # cancelled before its first addition
        expansions.append(drawn)
        earlier.setdefault(_text_of(drawn), variant)
    if not any(expansion.was_cancelled for expansion in expansions):
        with contextlib.suppress(Cancelled):
            progress.reach(1.0)
    return expansions


def _is_grown(expansion: Expansion) -> bool:
    return bool(expansion.added_tags or expansion.added_caption)


def _text_of(expansion: Expansion) -> tuple[str, str]:
    return expansion.tags, expansion.caption


class VariantState:
    """One variant while it grows: the user's text and the model's additions so far."""

    def __init__(
        self,
        request: ExpansionRequest,
        user: UserTags,
        bans: Bans,
        variant: int,
        attempt: int,
        uses_pairs: bool = False,
        uses_caption_rules: bool = False,
    ) -> None:
        self.request = request
        self.user = user
        self.bans = bans
        self.variant = variant
        self.attempt = attempt
        self.seed = derived_seed(request.seed, variant, attempt)
        # Whether rules write the caption.
        self.uses_caption_rules = uses_caption_rules
        self.meta = user.metadata(request.meta)
        self.user_caption = "" if user.is_tags[0] else user.plain_captions[0]
        self.policy = self._new_policy()
        # Persons that the user names in words, as count tags for the model.
        named = self.policy.persons
        typed_tags = {canonical(tag) for tag in user.plain} if named.is_typed else set()
        self.person_tags = tuple(tag for tag in named.tags if canonical(tag) not in typed_tags)
        self.guide: TagGuide | None = None
        if uses_pairs:
            self.policy.assume_alone()
            self.guide = TagGuide(user.plain, [self.user_caption], named, user.elsewhere)
        self.added_tags: list[str] = []
        if self.guide is not None and request.tag_length is not None and not named.is_typed:
            self._add_person_tags()
        self.added_caption = ""
        # The number of tags and of sentences so far.
        self.counts = {
            Field.TAG: len(split_tags(self.tags)) - len(self._uncounted),
            Field.LONG: count_sentences(self.user_caption),
        }
        self.proposed: Mapping[str, str] = {}
        self.reports: list[PassReport] = []
        self.rejected: Counter[str] = Counter()
        self.was_cancelled = False
        self.seconds = 0.0
        self._on_addition: Callable[[], None] = lambda: None

    def show_in(self, draft: Draft, show: Callable[[], None]) -> None:
        """Write the additions into `draft` after each pass, and call `show`."""

        def settle() -> None:
            draft.settle(self.added_tags, self.added_caption)
            show()

        self._on_addition = settle
        settle()

    @property
    def typed(self) -> tuple[str, str]:
        """The user's texts."""
        return self.request.tags, self.request.caption

    @property
    def tags(self) -> str:
        """The tag line for the model."""
        return ", ".join([*self._uncounted, *self.user.general, *self.added_tags])

    @property
    def _uncounted(self) -> list[str]:
        """The person counts that only the model reads."""
        return [tag for tag in self.person_tags if tag not in self.added_tags]

    @property
    def caption(self) -> str:
        """The caption for the model."""
        return continued_text(Field.LONG, self.user_caption, self.added_caption)

    def grow(self, progress: ProgressMeter) -> Generation[VariantState]:
        """Run all passes, then propose metadata where the request wants it; return this state."""
        started = time.perf_counter()
        for step, round_, place, width in self._passes():
            on_token = progress.token_counter(
                expected_tokens(step.grows, self.counts[step.grows], step.span),
                place * width,
                width,
                self.variant,
            )
            seed = derived_seed(self.seed, round_, place)
            tags = self.tags
            if not tags and step.task is Task.TAG_TO_LONG:
                # No text is given: the caption is written from tags that the result omits.
                policy = progress.read(self._new_policy, *self.typed)
                scaffold = yield from grow_field(
                    Request(Task.TAGS, step.length, {}, self.meta),
                    Field.TAG,
                    step.span_of(Field.TAG),
                    derived_seed(seed, 0),
                    policy,
                    on_token,
                    progress.check,
                )
                self.was_cancelled = scaffold.reason is StopReason.CANCELLED
                if self.was_cancelled:
                    break
                tags = scaffold.added
            request = progress.read(partial(self._pass_request, step, tags), *self.typed)
            result = yield from self._grow(step, request, derived_seed(seed, 1), on_token, progress)
            self._add(step, round_, result)
            if self.was_cancelled:
                break
        meta_request = self._meta_request()
        if meta_request is not None and not self.was_cancelled:
            proposed = yield from propose_meta(
                meta_request,
                derived_seed(self.seed, self.request.rounds),
                self.policy,
                progress.token_counter(1, 1.0, 0.0, self.variant),
                progress.check,
            )
            self.proposed = proposed.meta
            self.rejected.update(proposed.rejected)
            self.was_cancelled = proposed.was_cancelled
        self.seconds = time.perf_counter() - started
        return self

    def _grow(
        self,
        step: Pass,
        request: Request,
        seed: int,
        on_token: Callable[[int], None],
        progress: ProgressMeter,
    ) -> Generation[FieldResult]:
        """Write one field, under the guide if there is one."""
        check = progress.check
        if step.grows is not Field.TAG:
            if self.guide is not None and self.uses_caption_rules:
                # Additions follow the last prompt of an AND.
                here = [tag for tag in self.user.general if tag not in self.user.elsewhere]
                tags = CaptionTags(here, self.added_tags, self.request.tag_length is None)
                return grow_caption(
                    request, step, seed, self.policy, self.guide, tags, on_token, check
                )
            return grow_field(
                request, step.grows, step.span, seed, self.policy, on_token, check, self.guide
            )
        uncounted = len(self._uncounted)
        if self.guide is None or progress.is_cancelled:
            return grow_field(
                request, Field.TAG, step.span, seed, self.policy, on_token, check, None, uncounted
            )
        return grow_tags(request, step, seed, self.policy, self.guide, on_token, check, uncounted)

    def _passes(self) -> Iterator[tuple[Pass, int, int, float]]:
        """Yield each pass, its round, its place in the round, and its share of the progress.

        They end when both lengths are reached or the rounds are over. Without `at_least` the first
        round reaches them.
        """
        for round_ in range(self.request.rounds):
            plan = plan_passes(
                has_tags=bool(self.user.general or self.added_tags),
                has_caption=bool(self.caption),
                tag_length=self.request.tag_length,
                caption_length=self.request.caption_length,
                at_least=self.request.at_least,
            )
            for place, step in enumerate(plan):
                # Later rounds are not expected and leave the progress where it is.
                if not round_:
                    yield step, round_, place, 1.0 / len(plan)
                elif not self._is_reached(step):
                    yield step, round_, place, 0.0
            if all(self._is_reached(step) for step in plan):
                break

    def _new_policy(self) -> TagPolicy:
        captions = {Field.LONG: self.user_caption}
        policy = TagPolicy(
            self.user.plain,
            captions,
            bans=self.bans,
            safe=self.request.safe,
            elsewhere=self.user.elsewhere,
        )
        # The tags of the caption's foreign words stand in the result already.
        policy.present.update(map(canonical, self.user.caption_tags))
        return policy

    def _is_certain(self, tag: str) -> bool:
        """Return whether the user's words say the sex that a count tag says."""
        persons = self.policy.persons
        counted = person_range(tag)
        sex = "" if counted is None else counted[0]
        is_two = persons.most == 2  # a couple
        if sex == "girl":
            return is_two or persons.girls[0] > 0
        return sex != "boy" or is_two or persons.boys[0] > 0

    def _add_person_tags(self) -> None:
        """Add the counts of persons whose sex the words say, unless the bans refuse them.

        `no humans` needs a subject that is known.
        """
        for tag in self.person_tags:
            if tag == NO_HUMANS and self.guide is not None and not self.guide.is_without_persons:
                continue
            if self._is_certain(tag) and self.policy.refuse(Field.TAG, tag) is None:
                self.policy.accept(Field.TAG, tag)
                self.added_tags.append(tag)

    def _is_reached(self, step: Pass) -> bool:
        return self.counts[step.grows] >= step.span.least

    def _add(self, step: Pass, round_: int, result: FieldResult) -> None:
        """Take the additions of a pass."""
        if step.grows is Field.TAG:
            self.added_tags += result.pieces
        else:
            self.added_caption += result.added
        self.counts[step.grows] = result.count
        self.rejected.update(result.rejected)
        self.reports.append(PassReport(step, round_, result))
        self.was_cancelled = result.reason is StopReason.CANCELLED
        self._on_addition()

    def _pass_request(self, step: Pass, tags: str) -> Request:
        given = {Field.TAG: tags, Field.LONG: self.caption}
        if step.grows is Field.TAG or step.task is Task.SHORT_TO_LONG:
            given[Field.SHORT] = self._short_caption()
        return Request(step.task, step.length, given, self.meta)

    def _short_caption(self) -> str:
        """Return the user's caption, or the first sentence of the model's."""
        return self.user_caption or "".join(split_sentences(self.caption)[:1]).strip()

    def _meta_request(self) -> Request | None:
        """Return the request that continues with metadata; None if there is nothing to describe."""
        if not self.request.gen_meta or not (self.caption or self.tags):
            return None
        given = {Field.TAG: self.tags, Field.LONG: self.caption}
        task, length = Task.TAGS, self.request.tag_length
        if self.caption:
            task, length = Task.TAG_TO_LONG, self.request.caption_length
            if not self.tags:
                task, given[Field.SHORT] = Task.SHORT_TO_LONG, self._short_caption()
        return Request(task, length or Length.LONG, given, self.meta, gen_meta=True)

    def result(self, template: Template, earlier: Mapping[tuple[str, str], int]) -> Expansion:
        """Return the user's text with the additions; `earlier` numbers the texts before it."""
        user_caption = self.user.captions[0]
        sentences = self.user.added_caption(0, self.added_caption)
        fields = self.user.template_fields(self.added_tags, user_caption, sentences)
        tags = add_tags(fields["user"], fields["added"])
        caption = fields["extended"] or fields["generated"]
        added = fields["added"], sentences.strip()
        rejected = self.rejected + self.user.banned
        spans = prompt_spans(template, fields, self.user, self.added_tags)
        return Expansion(
            prompt="".join(span.text for span in spans),
            tags=tags,
            caption=caption,
            added="\n".join(part for part in added if part),
            added_tags=tuple(self.added_tags),
            added_caption=self.added_caption.strip(),
            fields=fields,
            proposed=self.proposed,
            translation=self.user.translation,
            banned=banned_counts(rejected),
            passes=tuple(self.reports),
            seed=self.request.seed,
            variant=self.variant,
            attempts=self.attempt + 1,
            repeats=earlier.get((tags, caption)),
            was_cancelled=self.was_cancelled,
            seconds=self.seconds,
            spans=spans,
        )
