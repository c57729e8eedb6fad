"""Write the fields of one TIPO request, each to its length class before the next one begins.

A model that counts badly ends too early or never, repeats itself, and writes banned tags. So each
tag is judged at its comma and each sentence at the start of the next one. A refused piece is cut
off and drawn again; the redraw does not begin with a token that began a rejected answer at that
place. A field that ends short of its class is continued, one that fills its class is stopped, and
the program writes the name of the next field. The model keeps the tokens that it has read, so that
each continuation costs little.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from ..lm.generate.completion import (
    Completion,
    CompletionRequest,
    Generation,
    StopReason,
)
from ..prompt import count_sentences
from ..prompt.sentences import ends_sentence, with_stop
from .format import Answer, Request, read_answer, render_request, split_tags
from .pair_prior.guide import TagGuide
from .policy import NOT_KNOWN, PROSE, REPEATED, TagPolicy
from .request import FieldResult
from .stream_filter import StreamFilter
from .tasks import Field, Span

# Continuations of a field that the model ended short of its length class.
CONTINUATIONS = 12
# Redraws of one place because of bans. Then generation continues after the rejected piece, which
# the model sees and the result omits.
REDRAWS = 4
# First tokens that may be banned at one place: more than the model's alternatives there, and far
# fewer than its vocabulary.
MAX_BANNED_FIRST_IDS = 64
# Rejections in one field: a floor, and a multiple of the field's largest count of tags. A long list
# repeats itself most near its end.
REJECTIONS = 64
REJECTIONS_PER_PIECE = 3
# Answers in a row under a guide that are sentences or unknown words: nothing fits this prompt. To a
# prompt without a known word, all refused answers count.
BARREN_ANSWERS = 6
# A continued answer has at least as many tokens before an end token or a line break.
CONTINUED_TOKENS = 4
# Lines of proposed metadata.
_META_LINES = 8
# A short caption gives the gist; the models were trained on no length class for it.
_SHORT_SENTENCES = Span(1, 3)
# Tokens of a tag, and of a sentence, on average.
_TOKENS = MappingProxyType({Field.TAG: 4, Field.SHORT: 16, Field.LONG: 16})


@dataclass(frozen=True)
class ProposedMeta:
    """The metadata that the model proposed, and the rejections by their reason."""

    meta: Mapping[str, str]
    rejected: Mapping[str, int]
    was_cancelled: bool = False


@dataclass(frozen=True)
class FilledRequest:
    """A request with every field written: the answer, and the result of each written field."""

    request: Request
    answer: Answer
    results: Mapping[Field, FieldResult]
    rejected_meta: Mapping[str, int]
    was_cancelled: bool

    @property
    def reached(self) -> bool:
        """Whether every field that has a length class reached it."""
        # `short_to_long` was trained without a length, and a short caption has no class.
        return all(
            result.reached
            for name, result in self.results.items()
            if name is Field.TAG or (name is Field.LONG and self.request.task.has_length)
        )


def derived_seed(seed: int, *path: int) -> int:
    """Return a seed of 63 bits for one place in a run: equal paths give equal seeds."""
    text = "/".join(str(part) for part in (seed, *path))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def expected_tokens(name: Field, present: int, span: Span) -> int:
    """Return about how many tokens bring a field of `present` tags or sentences into `span`.

    A model often ends a field at the smallest count of its length class, half of the largest one.
    """
    return _TOKENS[name] * max(1, span.most // 2 - present)


def field_span(request: Request, name: Field, at_least: bool) -> Span:
    """Return the number of tags or sentences that the request wants in a field."""
    if name is Field.SHORT:
        return _SHORT_SENTENCES
    span = request.length.tags if name is Field.TAG else request.length.sentences
    return span if at_least else span.upper_bound


def open_prompt(request: Request, name: Field) -> str:
    """Return the prompt whose completion continues the field `name`.

    A tag line ends with a comma, so that the model writes the next tag and cannot lengthen the
    last one.
    """
    comma = "," if name is Field.TAG and request.given.get(Field.TAG, "").strip() else ""
    return render_request(request, name) + comma


def fill_fields(
    request: Request,
    seed: int,
    policy: TagPolicy | None = None,
    on_token: Callable[[int], None] | None = None,
    check: Callable[[], None] | None = None,
    at_least: bool = False,
) -> Generation[FilledRequest]:
    """Write every owed field of `request`, then the metadata that it asks for.

    The answer holds the model's text alone. If the model writes nothing, the field stays empty and
    the answer is not well-formed. `policy` knows the given texts; None is a policy without bans.
    With `at_least` each field must reach its length class.
    """
    given = request.given
    if policy is None:
        captions = {name: given.get(name, "") for name in (Field.SHORT, Field.LONG)}
        policy = TagPolicy(split_tags(given.get(Field.TAG, "")), captions)
    results: dict[Field, FieldResult] = {}
    current = request
    was_cancelled = False
    owed = list(request.task.fields)
    while len(owed) > 1 and given.get(owed[0], "").strip():
        owed.pop(0)
    for place, name in enumerate(owed):
        before = current.given.get(name, "")
        span = field_span(request, name, at_least)
        results[name] = yield from grow_field(
            current,
            name,
            span,
            derived_seed(seed, place),
            policy,
            on_token,
            check,
        )
        was_cancelled = results[name].reason is StopReason.CANCELLED
        if was_cancelled:
            break
        whole = continued_text(name, before, results[name].added)
        current = replace(current, given={**current.given, name: whole})
    proposed = ProposedMeta({}, {})
    if request.gen_meta and not was_cancelled:
        meta_seed = derived_seed(seed, len(owed))
        proposed = yield from propose_meta(current, meta_seed, policy, on_token, check)
    texts = {name: result.added for name, result in results.items()}
    is_filled = all(texts.get(name, "").strip() or given.get(name, "") for name in owed)
    return FilledRequest(
        request,
        Answer(texts, proposed.meta, well_formed=is_filled),
        results,
        proposed.rejected,
        was_cancelled or proposed.was_cancelled,
    )


def propose_meta(
    request: Request,
    seed: int,
    policy: TagPolicy,
    on_token: Callable[[int], None] | None = None,
    check: Callable[[], None] | None = None,
) -> Generation[ProposedMeta]:
    """Let the model write the metadata after the last field; drop the refused values."""
    completion = yield CompletionRequest(
        render_request(request) + "\n",
        seed,
        should_stop=lambda text: text.count("\n") >= _META_LINES,
        on_token=on_token,
        check=check,
    )
    meta: dict[str, str] = {}
    rejected: Counter[str] = Counter()
    for key, line in read_answer(request, "\n" + completion.text).meta.items():
        values = []
        for value in split_tags(line):
            reason = policy.refuse_meta(key, value)
            if reason is None:
                values.append(value)
            else:
                rejected[reason] += 1
        if values and key not in request.meta:
            meta[key] = ", ".join(values)
    return ProposedMeta(meta, rejected, completion.reason is StopReason.CANCELLED)


def grow_field(
    request: Request,
    name: Field,
    span: Span,
    seed: int,
    policy: TagPolicy,
    on_token: Callable[[int], None] | None = None,
    check: Callable[[], None] | None = None,
    guide: TagGuide | None = None,
    uncounted: int = 0,
) -> Generation[FieldResult]:
    """Continue the text of the field `name` until its count is in `span`.

    A `guide` biases the tags that the model writes, and keeps its sentences to the subject. A field
    under a guide ends where the model finds nothing that fits. `uncounted` of the given tags are
    for the model only.
    """
    is_tags = name is Field.TAG
    given = request.given.get(name, "")
    # The model begins a new sentence: it cannot tell whether the last one was meant to be whole.
    start = given if is_tags else with_stop(given)
    # The accepted text, and the model's context, which has passed-over pieces as well.
    text = context = start
    pieces: list[str] = []
    answers = prompt_tokens = new_tokens = 0
    barren = 0  # answers that count toward BARREN_ANSWERS
    rejected: Counter[str] = Counter()
    retries = _Retries()
    reason = StopReason.TARGET
    bias = None
    if guide is not None and is_tags:
        denies = policy.denies if policy.has_denials else None
        bias = guide.bias(policy.unasked_tags(), denies)
    max_rejected = max(REJECTIONS, REJECTIONS_PER_PIECE * span.most)
    count = (len(split_tags(text)) if is_tags else count_sentences(text)) - uncounted
    while count < span.most:
        # 1) request the next tags or sentences after the model's context
        stream = StreamFilter(name, span.most - count, policy, guide, not text.strip())
        completion = yield CompletionRequest(
            open_prompt(replace(request, given={**request.given, name: context}), name),
            derived_seed(seed, answers),
            should_stop=stream,
            min_new_tokens=CONTINUED_TOKENS if retries.is_continuation else 0,
            on_token=on_token,
            # A bias excludes a refused tag alone, and no other tag that begins with its token.
            banned_first_ids=frozenset() if bias else retries.banned_first_ids,
            begins_word=True,
            check=check,
            tag_bias=bias,
        )
        answers += 1
        prompt_tokens = max(prompt_tokens, completion.prompt_tokens)
        new_tokens += completion.new_tokens
        # 2) keep the accepted pieces; the last one is judged only if it is whole
        is_cancelled = completion.reason is StopReason.CANCELLED
        ended = "\n" in completion.text or completion.reason is StopReason.END_TOKEN
        line = completion.text.split("\n")[0]
        stream.feed(line, is_whole=ended or (not is_tags and ends_sentence(line)))
        for piece in stream.accepted:
            pieces.append(piece.strip())
            text, context = _joined(name, text, piece), _joined(name, context, piece)
        retries.note(stream, completion)
        count = (len(split_tags(text)) if is_tags else count_sentences(text)) - uncounted
        is_enough = count >= span.least
        reason = StopReason.END_TOKEN if ended and not is_cancelled else completion.reason
        if is_cancelled or (ended and is_enough):
            break
        # 3) a piece was refused: draw again from before it, or continue after it
        if stream.refusal is not None:
            rejected[stream.refusal] += 1
            if guide is not None and guide.knows_nothing:
                barren += 1
            else:
                is_barren = stream.refusal in (PROSE, NOT_KNOWN) and not stream.accepted
                barren = barren + 1 if is_barren and guide is not None else 0
            if rejected.total() >= max_rejected or barren >= BARREN_ANSWERS:
                reason = StopReason.REDRAW_LIMIT
                break
            if retries.pass_over(stream):
                # Nothing that fits is left to say.
                if guide is not None and (is_enough or (not is_tags and span.least <= 1)):
                    break
                context = _joined(name, context, stream.refused)
        # 4) the model ended the field too early: continue it
        elif ended or not stream.accepted:
            is_full = reason is StopReason.CONTEXT_LIMIT
            is_silent = retries.is_continuation and not completion.new_tokens
            if is_full or is_silent or is_enough or not retries.continue_field():
                break
    if count >= span.most and reason is not StopReason.CANCELLED:
        reason = StopReason.TARGET
    return FieldResult(
        added=text[len(start) :],
        pieces=tuple(pieces),
        count=count,
        reached=count >= span.least,
        reason=reason,
        answers=answers,
        prompt_tokens=prompt_tokens,
        new_tokens=new_tokens,
        rejected=dict(rejected),
    )


def continued_text(name: Field, before: str, added: str) -> str:
    """Return the text of a field with the model's addition, if it has one."""
    if not added or name is Field.TAG:
        return before + added
    return with_stop(before) + added


def _joined(name: Field, text: str, piece: str) -> str:
    """Return the text of a field with one more tag or sentence."""
    if name is Field.TAG:
        return f"{text}, {piece}" if text.strip() else piece
    return with_stop(text) + (" " if text.strip() else "") + piece.strip()


class _Retries:
    """Counts the redraws of one place of a field, and the continuations of the field."""

    def __init__(self) -> None:
        self._redraws = self._continuations = 0
        self._last_refused = ""
        # The first tokens of the answers at this place that gave no accepted piece.
        self.banned_first_ids: frozenset[int] = frozenset()

    @property
    def is_continuation(self) -> bool:
        """Whether the model had ended the field and is made to continue it."""
        return self._continuations > 0 and not self._redraws

    def note(self, stream: StreamFilter, completion: Completion) -> None:
        """Ban the first token of an answer without an accepted piece until a piece is accepted.

        Such an answer is refused or blank: a model that must not end writes blanks.
        """
        first = completion.first_token
        if stream.accepted:
            self.banned_first_ids = frozenset()
        elif first is not None and len(self.banned_first_ids) < MAX_BANNED_FIRST_IDS:
            self.banned_first_ids |= {first}

    def pass_over(self, stream: StreamFilter) -> bool:
        """Count a refusal; return whether generation continues after the refused piece.

        It does when the model repeats the piece or has used up the redraws of the place.
        """
        is_same = stream.refused == self._last_refused and not stream.accepted
        self._last_refused = stream.refused
        self._redraws = 1 if stream.accepted else self._redraws + 1
        # In the context, a repeated tag or prose would only lead to more of the same.
        if stream.refusal in (REPEATED, PROSE):
            return False
        if is_same or self._redraws > REDRAWS:
            self._redraws = 0
            self.banned_first_ids = frozenset()
            return True
        return False

    def continue_field(self) -> bool:
        """Count a continuation; return False if the field has had too many."""
        self._redraws = 0
        self._continuations += 1
        return self._continuations <= CONTINUATIONS
