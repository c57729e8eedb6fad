"""E: (simple prompt, metadata) -> detailed prompt.

Tags are grown first, then the caption from the grown tags. What the user typed is carried along
verbatim; the model sees a plain rendering of it, and what the model writes is put behind it.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping

from ..prompt import (
    Bans,
    Category,
    Prompt,
    SpanKind,
    Template,
    canonical,
    category,
    contradicts,
    count_sentences,
    escape_tag,
    parse,
    split_sentences,
)
from ..prompt.safe_text import blocked_terms
from .answering import (
    CONTINUED_TOKENS,
    ROUNDS,
    Enough,
    came_to_its_end,
    derived_seed,
    ends_sentence,
    open_prompt,
    whole_sentences,
    whole_tags,
)
from .record import Request, read_answer, render_request, split_tags
from .request import Expansion, ExpansionRequest, LanguageModel, PassReport
from .tasks import Field, Pass, Task, plan_passes

# Categories that the TIPO format gives as metadata lines rather than in the tag line.
_META_CATEGORIES = frozenset(Category) - {Category.SPECIAL, Category.GENERAL}
# Tokens that a pass may be expected to take, for the progress bar only.
_TOKENS_PER_TAG, _TOKENS_PER_SENTENCE = 4, 16

Progress = Callable[[float], None]


def expand(
    model: LanguageModel,
    request: ExpansionRequest,
    on_progress: Progress | None = None,
) -> list[Expansion]:
    """Return the variants of `request`, in order.

    `on_progress` hears the share that is done, from 0 to 1, after every token, and may raise to
    cancel. Variant k depends on the seed and on k alone. Bad bans or templates are a ValueError
    that quotes the entry, raised before the model is asked.
    """
    bans = Bans.parse(request.bans)
    template = Template.parse(request.template)
    plan = plan_passes(
        has_tags=bool(_plain_tags(parse(request.tags))),
        has_caption=bool(request.caption.strip()),
        tag_length=request.tag_length,
        caption_length=request.caption_length,
    )
    total = max(1, len(plan) * request.variants)
    expansions = []
    for variant in range(request.variants):

        def report(share: float, first: int = variant * len(plan)) -> None:
            if on_progress is not None:
                on_progress(min(1.0, (first + share) / total))

        growth = _Growth(model, request, bans, variant, report)
        started = time.perf_counter()
        reports = tuple(growth.run(step, number) for number, step in enumerate(plan))
        seconds = time.perf_counter() - started
        expansions.append(growth.result(template, reports, seconds))
    if on_progress is not None:
        on_progress(1.0)
    return expansions


def join_tags(user: str, added: str) -> str:
    """Return `user` verbatim and `added` behind it, with one comma between them."""
    if not user.strip() or not added:
        return user + added if user.strip() else added
    if user.rstrip().endswith(","):
        return user + ("" if user[-1].isspace() else " ") + added
    return user + ("" if user[-1].isspace() and user[-1] != " " else ", ") + added


def join_caption(user: str, added: str) -> str:
    """Return `user` verbatim and `added` behind it, with a space where one is needed."""
    if not user.strip():
        return added.strip()
    added = added.rstrip()
    if added and (user[-1].isspace() or added[0].isspace() or added[0] in ",.;:!?'"):
        return user + (added.lstrip(" ") if user[-1].isspace() else added)
    return f"{user} {added}" if added else user


def _plain_tags(prompt: Prompt) -> list[str]:
    return [word for segment in prompt.segments() for word in segment.words]


def _plain_caption(caption: str) -> str:
    """The caption as the model sees it: its own words, without weights and networks."""
    prompt = parse(caption)
    ordinary = {SpanKind.WORD, SpanKind.SEPARATOR, SpanKind.NEWLINE}
    if all(span.kind in ordinary for span in prompt.spans):
        return " ".join(caption.split())
    return ", ".join(_plain_tags(prompt))


class _Growth:
    """One variant on its way: the user's text, and what has been added so far."""

    def __init__(
        self,
        model: LanguageModel,
        request: ExpansionRequest,
        bans: Bans,
        variant: int,
        report: Progress,
    ) -> None:
        self.model = model
        self.request = request
        self.bans = bans
        self.variant = variant
        self.report = report
        self.prompt = parse(request.tags)
        plain = _plain_tags(self.prompt)
        self.given = [tag for tag in plain if category(tag) not in _META_CATEGORIES]
        self.meta = _metadata(plain, request.meta)
        self.present = {canonical(tag) for tag in plain}
        self.user_caption = _plain_caption(request.caption)
        self.added_tags: list[str] = []
        self.added_caption = ""
        self.banned: Counter[str] = Counter()

    def run(self, step: Pass, number: int) -> PassReport:
        """Bring one pass to its length class, in as many rounds as that takes."""
        is_tags = step.grows is Field.TAG
        span = step.length.tags if is_tags else step.length.sentences
        expected = span.most * (_TOKENS_PER_TAG if is_tags else _TOKENS_PER_SENTENCE)
        scaffold = self._scaffold(step, number)
        count = self._count(step)
        rounds = prompt_tokens = new_tokens = 0
        reason = "nothing to add"
        while rounds < ROUNDS and count < span.most and (not rounds or count < span.least):
            request = self._request(step, scaffold)
            room = span.most - count
            done = new_tokens

            def heard(tokens: int, done: int = done) -> None:
                self.report(number + min(0.99, (done + tokens) / expected))

            completion = self.model.complete(
                open_prompt(request, step.grows),
                seed=derived_seed(self.request.seed, self.variant, number, rounds),
                on_token=heard,
                enough=Enough(step.grows, room, request.given.get(step.grows, "")),
                min_new_tokens=CONTINUED_TOKENS if rounds else 0,
            )
            rounds += 1
            prompt_tokens += completion.prompt_tokens
            new_tokens += completion.new_tokens
            reason = str(completion.reason)
            text = read_answer(request, completion.text).fields[step.grows]
            ended = came_to_its_end(completion.text, reason)
            if is_tags:
                self._take_tags(text, room, ended)
            else:
                self._take_sentences(text, room, ended)
            count = self._count(step)
            if not completion.new_tokens:
                break
        self.report(number + 1.0)
        reached = count >= span.least
        return PassReport(step, rounds, count, reached, reason, prompt_tokens, new_tokens)

    def _count(self, step: Pass) -> int:
        if step.grows is Field.TAG:
            return len(self.given) + len(self.added_tags)
        return count_sentences(self.user_caption + self.added_caption)

    def _tags(self) -> str:
        return ", ".join(self.given + self.added_tags)

    def _request(self, step: Pass, scaffold: str) -> Request:
        caption = self.user_caption + self.added_caption
        given = {Field.TAG: self._tags() or scaffold, Field.LONG: caption}
        if step.grows is Field.TAG or step.task is Task.SHORT_TO_LONG:
            given[Field.SHORT] = self.user_caption
        return Request(step.task, step.length, given, self.meta)

    def _scaffold(self, step: Pass, number: int) -> str:
        """With nothing given a caption is written from tags that are not part of the result."""
        if step.task is not Task.TAG_TO_LONG or self._tags():
            return ""
        request = Request(Task.TAGS, step.length, {}, self.meta)
        room = step.length.tags.most
        completion = self.model.complete(
            render_request(request),
            seed=derived_seed(self.request.seed, self.variant, number, ROUNDS),
            on_token=lambda tokens: self.report(float(number)),
            enough=Enough(Field.TAG, room),
        )
        return ", ".join(split_tags(completion.text.split("\n")[0])[:room])

    def _take_tags(self, text: str, room: int, ended: bool) -> None:
        """Add the new tags of an answer; a tag that was cut off is left out."""
        for tag in whole_tags(text, ended):
            name = canonical(tag)
            if room <= 0 or not name or name in self.present:
                continue
            if any(contradicts(tag, other) for other in self.present):
                continue
            entry = self.bans.reason(tag, self.present) or self._unsafe(tag)
            if entry is not None:
                self.banned[entry] += 1
                continue
            self.added_tags.append(tag)
            self.present.add(name)
            room -= 1

    def _take_sentences(self, text: str, room: int, ended: bool) -> None:
        """Add the new sentences of an answer; one that was cut off or is there is left out."""
        before = self.user_caption + self.added_caption
        known = {sentence.strip().casefold() for sentence in split_sentences(before)}
        unfinished = bool(before.strip()) and not ends_sentence(before)
        for place, sentence in enumerate(whole_sentences(text, ended)):
            continues = unfinished and not place
            name = sentence.strip().casefold()
            if (room <= 0 and not continues) or name in known:
                continue
            entry = self.bans.sentence_reason(sentence, self.present) or self._unsafe(sentence)
            if entry is not None:
                self.banned[entry] += 1
                continue
            if continues:
                self.added_caption += sentence.rstrip()
                continue
            joint = " " if before.strip() or self.added_caption.strip() else ""
            self.added_caption += joint + sentence.strip()
            known.add(name)
            room -= 1

    def _unsafe(self, text: str) -> str | None:
        """Why `text` is not added where only safe text is wanted."""
        return "block list" if self.request.safe and blocked_terms(text) else None

    def result(
        self, template: Template, reports: tuple[PassReport, ...], seconds: float
    ) -> Expansion:
        """Put the user's text and the additions together."""
        added = ", ".join(self._written(tag) for tag in self.added_tags)
        user_tags = self.prompt.escaped()
        caption = join_caption(self.request.caption, self.added_caption)
        fields = self._fields(added, caption)
        return Expansion(
            prompt=template.render(fields),
            tags=join_tags(user_tags, added),
            caption=caption,
            added="\n".join(part for part in (added, self.added_caption.strip()) if part),
            added_tags=tuple(self.added_tags),
            added_caption=self.added_caption.strip(),
            fields=fields,
            banned=dict(self.banned),
            passes=reports,
            seed=self.request.seed,
            variant=self.variant,
            seconds=seconds,
        )

    def _written(self, tag: str) -> str:
        """An added tag in the user's own habit, safe to read for the host."""
        text = tag.replace(" ", "_") if self.prompt.uses_underscores else tag
        return escape_tag(text)

    def _fields(self, added: str, caption: str) -> dict[str, str]:
        """Every field of the template language; the user's segments verbatim, in his order."""
        parts: dict[str, list[str]] = {str(name): [] for name in Category}
        for segment in self.prompt.segments():
            name = category(segment.words[0]) if segment.words else Category.GENERAL
            parts[str(name)].append(parse(segment.text).escaped())
        for tag in self.added_tags:
            parts[str(category(tag))].append(self._written(tag))
        fields = {name: ", ".join(texts) for name, texts in parts.items()}
        return {
            **fields,
            "user": self.prompt.escaped(),
            "added": added,
            "extended": caption if self.request.caption.strip() else "",
            "generated": "" if self.request.caption.strip() else caption,
        }


def _metadata(tags: list[str], meta: Mapping[str, str]) -> dict[str, str]:
    """The metadata lines: what was given, and the user's tags of those categories."""
    lines = dict(meta)
    for tag in tags:
        name = category(tag)
        if name in _META_CATEGORIES:
            lines[str(name)] = ", ".join(filter(None, (lines.get(str(name), ""), tag)))
    return lines
