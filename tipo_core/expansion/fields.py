"""One request to its end: each field is brought to its length class before the next one begins.

A model that counts badly ends too early or never, repeats itself, and writes what was banned. So an
answer is not taken as it comes. Each tag is judged at its comma, each sentence at the start of the
next: what is refused is cut off and drawn again, and no answer at that place begins like one of
which nothing could be taken there. A field that stops short goes on from where it is, one that
fills its class is stopped there, and the name of the next field is written for the model instead of
waiting for it. The session keeps what it has read, so going on costs little.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..lm.generate.completion import Ask, Completion, Steps
from ..lm.generate.stop_reason import StopReason
from ..prompt import count_sentences
from .format import Answer, Request, read_answer, render_request, split_tags
from .policy import PROSE, REPEATED, Judge
from .request import Grown
from .stream_filter import Gate, GrowingText
from .tasks import Field, Span

# How often a field goes on when the model ended it short of the length class.
CONTINUATIONS = 12
# How often one place is drawn again after a ban; then the model is let go on behind what it insists
# on, which it sees and nobody else.
REDRAWS = 4
# So many first tokens are barred at one place: more than a model has ideas, less than it has words.
MOST_BARRED = 64
# How often a field may refuse something in all: a floor, and for a field that may have many tags
# so many times their number. A long list repeats itself most near its end.
REJECTIONS = 64
REJECTIONS_A_PIECE = 3
# A continued answer must not end at once, the model's text or the field's line.
CONTINUED_TOKENS = 4
# Metadata is a few short lines.
_META_LINES = 8

# A short caption says the gist; no class was trained for it.
_SHORT_SENTENCES = Span(1, 3)


@dataclass(frozen=True)
class Filled:
    """A request whose fields are all there: the answer, and how each owed field grew."""

    request: Request
    answer: Answer
    grown: Mapping[Field, Grown]
    rejected_meta: Mapping[str, int]

    @property
    def reached(self) -> bool:
        """Whether every field that has a class reached it."""
        # `short_to_long` was trained without a length, and a short caption has none of its own.
        return all(
            one.reached
            for name, one in self.grown.items()
            if name is Field.TAG or (name is Field.LONG and self.request.task.has_length)
        )


def derived_seed(seed: int, *path: int) -> int:
    """Return a seed of 63 bits for one place in a run: equal paths give equal seeds."""
    text = "/".join(str(part) for part in (seed, *path))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def field_span(request: Request, name: Field) -> Span:
    """Return how many tags or sentences the field has when the request is met."""
    if name is Field.TAG:
        return request.length.tags
    return request.length.sentences if name is Field.LONG else _SHORT_SENTENCES


def field_count(name: Field, text: str) -> int:
    """Return how many tags or sentences `text` has."""
    return len(split_tags(text)) if name is Field.TAG else count_sentences(text)


def open_prompt(request: Request, name: Field) -> str:
    """Return the text that the model goes on from, the field `name` being the open one.

    With the comma written, the model goes on to the next tag and cannot lengthen the last one.
    """
    comma = "," if name is Field.TAG and request.given.get(Field.TAG, "").strip() else ""
    return render_request(request, name) + comma


def fill_steps(request: Request, seed: int, judge: Judge | None = None) -> Steps[Filled]:
    """Fill every owed field of `request`, and propose the metadata that it asks for.

    The answer holds the generated text only. A model that has nothing to say leaves a field empty
    and the answer not well-formed. A judge of its own knows the texts that are given.
    """
    given = request.given
    if judge is None:
        captions = {name: given.get(name, "") for name in (Field.SHORT, Field.LONG)}
        judge = Judge(split_tags(given.get(Field.TAG, "")), captions)
    grown: dict[Field, Grown] = {}
    current = request
    was_cancelled = False
    owed = list(request.task.fields)
    while len(owed) > 1 and given.get(owed[0], "").strip():
        owed.pop(0)
    for place, name in enumerate(owed):
        before = current.given.get(name, "")
        span = field_span(request, name)
        grown[name] = yield from grow_field(current, name, span, derived_seed(seed, place), judge)
        was_cancelled = grown[name].reason is StopReason.CANCELLED
        if was_cancelled:
            break
        current = replace(current, given={**current.given, name: before + grown[name].added})
    meta: dict[str, str] = {}
    refused: Counter[str] = Counter()
    if request.gen_meta and not was_cancelled:
        meta, refused = yield from meta_steps(current, derived_seed(seed, len(owed)), judge)
    texts = {name: one.added for name, one in grown.items()}
    filled = all(texts.get(name, "").strip() or given.get(name, "") for name in owed)
    return Filled(request, Answer(texts, meta, well_formed=filled), grown, refused)


def meta_steps(
    request: Request, seed: int, judge: Judge
) -> Steps[tuple[dict[str, str], Counter[str]]]:
    """The metadata that the model proposes behind the last field, and what was refused of it."""
    done = yield Ask(
        render_request(request) + "\n", seed, lambda text: text.count("\n") >= _META_LINES
    )
    meta: dict[str, str] = {}
    refused: Counter[str] = Counter()
    for key, line in read_answer(request, "\n" + done.text).meta.items():
        values = []
        for value in split_tags(line):
            reason = judge.refuse_meta(key, value)
            if reason is None:
                values.append(value)
            else:
                refused[reason] += 1
        if values and key not in request.meta:
            meta[key] = ", ".join(values)
    return meta, refused


def grow_field(request: Request, name: Field, span: Span, seed: int, judge: Judge) -> Steps[Grown]:
    """Bring the field `name` of `request` into `span`, behind the text that it has."""
    start = request.given.get(name, "")
    growth = GrowingText(name, start)
    tally = _Tally()
    patience = _Patience()
    reason = StopReason.TARGET
    most_refused = max(REJECTIONS, REJECTIONS_A_PIECE * span.most)
    while (count := field_count(name, growth.text)) < span.most:
        # 1) ask for the next tags or sentences behind what the model has seen
        asked = replace(request, given={**request.given, name: growth.context})
        gate = Gate(name, span.most - count, growth.is_open, judge)
        completion = yield Ask(
            open_prompt(asked, name),
            derived_seed(seed, tally.answers),
            gate,
            CONTINUED_TOKENS if patience.goes_on else 0,
            not_first=patience.barred,
        )
        tally.add(completion)
        # 2) take what the gate let through
        ended = "\n" in completion.text or completion.reason is StopReason.END_TOKEN
        gate.close(completion.text, ended)
        for piece in gate.taken:
            growth.take(piece)
        patience.hear(gate, completion)
        is_enough = field_count(name, growth.text) >= span.least
        reason = StopReason.END_TOKEN if ended else completion.reason
        if reason is StopReason.CANCELLED or (ended and is_enough):
            break
        # 3) something was refused: draw again from before it, or go on behind it
        if gate.refusal is not None:
            tally.rejected[gate.refusal] += 1
            if tally.rejected.total() >= most_refused:
                reason = StopReason.REDRAW_LIMIT
                break
            if patience.insists(gate):
                growth.pass_over(gate.refused)
        # 4) it stopped short by itself: go on from there
        elif ended or not gate.taken:
            is_full = reason is StopReason.CONTEXT_LIMIT
            is_silent = patience.goes_on and not completion.new_tokens
            if is_full or is_silent or is_enough or not patience.continues():
                break
    count = field_count(name, growth.text)
    if count >= span.most and reason is not StopReason.CANCELLED:
        reason = StopReason.TARGET
    return tally.grown(growth, start, count, count >= span.least, reason)


class _Tally:
    """What the answers of one field cost, and what was refused of them."""

    def __init__(self) -> None:
        self.answers = self.prompt_tokens = self.new_tokens = 0
        self.rejected: Counter[str] = Counter()

    def add(self, completion: Completion) -> None:
        self.answers += 1
        self.prompt_tokens = max(self.prompt_tokens, completion.prompt_tokens)
        self.new_tokens += completion.new_tokens

    def grown(
        self, growth: GrowingText, start: str, count: int, reached: bool, reason: StopReason
    ) -> Grown:
        return Grown(
            added=growth.text[len(start) :],
            pieces=tuple(growth.pieces),
            count=count,
            reached=reached,
            reason=reason,
            answers=self.answers,
            prompt_tokens=self.prompt_tokens,
            new_tokens=self.new_tokens,
            rejected=dict(self.rejected),
        )


class _Patience:
    """How often a place was drawn again, and a field that ended short was taken up again."""

    def __init__(self) -> None:
        self._redraws = self._continued = 0
        self._refused = ""
        # What answers of no use began with at this place.
        self.barred: frozenset[int] = frozenset()

    @property
    def goes_on(self) -> bool:
        """Whether the model ended the field and is made to go on."""
        return self._continued > 0 and not self._redraws

    def hear(self, gate: Gate, completion: Completion) -> None:
        """Bar what an answer of no use began with; forget that where something was taken.

        Of no use is what was refused, and what is blank: a model that may not end writes that.
        """
        first = completion.first_token
        if gate.taken:
            self.barred = frozenset()
        elif first is not None and len(self.barred) < MOST_BARRED:
            self.barred |= {first}

    def insists(self, gate: Gate) -> bool:
        """Whether the model wants what was refused here so much that it has to be passed over."""
        is_same = gate.refused == self._refused and not gate.taken
        self._refused = gate.refused
        self._redraws = 1 if gate.taken else self._redraws + 1
        # What is there already, and prose among the tags, would only lead to more of it.
        if gate.refusal in (REPEATED, PROSE):
            return False
        if is_same or self._redraws > REDRAWS:
            self._redraws = 0
            self.barred = frozenset()
            return True
        return False

    def continues(self) -> bool:
        """Count one more time that the field is taken up; False when it was too often."""
        self._redraws = 0
        self._continued += 1
        return self._continued <= CONTINUATIONS
