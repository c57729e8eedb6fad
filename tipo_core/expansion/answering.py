"""One request to its end: each field is brought to its length class before the next one begins.

A model that counts badly ends too early or never. So an answer is not taken as it comes: a field
that stops short goes on from where it is, one that fills its class is stopped there, and the name
of the next field is written for the model instead of waiting for it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace

from ..prompt import count_sentences, split_sentences
from .record import Answer, Request, read_answer, render_request, split_tags
from .request import Completion, LanguageModel
from .tasks import Field, Span

# How often a field goes on when the model stopped short of the length class.
ROUNDS = 12
# A continued answer must not end at once.
CONTINUED_TOKENS = 4

_ENDED = re.compile("[.!?\u2026\u3002\uff01\uff1f][\"'\u201d\u2019)]*\\Z")
# A short caption says the gist; no class was trained for it.
_SHORT_SENTENCES = Span(1, 3)


def derived_seed(seed: int, *path: int) -> int:
    """Return a seed of 63 bits for one place in a run: equal paths give equal seeds."""
    text = "/".join(str(part) for part in (seed, *path))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def ends_sentence(text: str) -> bool:
    """Return whether `text` ends with a full stop or its like, blanks aside."""
    return bool(_ENDED.search(text.rstrip()))


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
    return render_request(request) + comma


@dataclass(frozen=True)
class Enough:
    """Whether the text added to a field fills the room that is left in its class.

    `before` is the field's text so far: a sentence that was left open there is finished first.
    What lies behind the answer is never generated.
    """

    name: Field
    room: int
    before: str = ""

    def __call__(self, text: str) -> bool:
        if "\n" in text:
            return True
        if self.name is Field.TAG:
            return text.count(",") >= self.room
        open_sentence = bool(self.before.strip()) and not ends_sentence(self.before)
        # The sentence behind the last wanted one has begun, so that one is complete.
        return text[-1:].isalnum() and count_sentences(text) > self.room + open_sentence


def whole_tags(text: str, ended: bool) -> list[str]:
    """Return the tags of an answer; unless it came to its own end, the last one was cut off."""
    tags = text.split(",")
    return split_tags(",".join(tags if ended else tags[:-1]))


def whole_sentences(text: str, ended: bool) -> list[str]:
    """Return the sentences of an answer, each with the blanks behind it, without a cut-off one."""
    sentences = list(split_sentences(text.rstrip()))
    if sentences and not ended and not ends_sentence(sentences[-1]):
        sentences.pop()
    return sentences


def came_to_its_end(text: str, reason: str) -> bool:
    """Return whether an answer's field ended by the model's own will."""
    return "\n" in text or reason == "end token"


@dataclass(frozen=True)
class Filled:
    """A request whose fields are all there: the answer, and whether each reached its class."""

    request: Request
    answer: Answer
    reached: bool
    new_tokens: int


@dataclass(frozen=True)
class Ask:
    """One completion that an answer needs: the arguments of `LanguageModel.complete`."""

    prompt: str
    seed: int
    enough: Callable[[str], bool] | None = None
    min_new_tokens: int = 0


def fill_request(
    model: LanguageModel,
    request: Request,
    seed: int,
    on_token: Callable[[int], None] | None = None,
) -> Filled:
    """Return `request` with every owed field written, and the metadata that it asks for.

    The answer holds the generated text only. A field is at most `ROUNDS` completions long; a model
    that has nothing to say leaves it empty and the answer not well-formed.
    """
    filling = fill_steps(request, seed)
    try:
        ask = next(filling)
        while True:
            completion = model.complete(
                ask.prompt,
                seed=ask.seed,
                on_token=on_token,
                enough=ask.enough,
                min_new_tokens=ask.min_new_tokens,
            )
            ask = filling.send(completion)
    except StopIteration as done:
        filled: Filled = done.value
        return filled


def fill_steps(request: Request, seed: int) -> Generator[Ask, Completion, Filled]:
    """Yield the completions that `request` needs one by one, be sent each, return the answer.

    So that a caller with many requests can have them completed in batches.
    """
    texts: dict[Field, str] = {}
    tokens = 0
    reached = True
    current = request
    owed = list(request.task.fields)
    while len(owed) > 1 and request.given.get(owed[0], "").strip():
        owed.pop(0)
    for place, name in enumerate(owed):
        before = current.given.get(name, "")
        text, used = yield from _field_steps(current, name, derived_seed(seed, place))
        tokens += used
        texts[name] = text
        current = replace(current, given={**current.given, name: before + text})
        # `short_to_long` was trained without a length, and a short caption has none of its own.
        if name is Field.TAG or (name is Field.LONG and request.task.has_length):
            reached &= field_count(name, before + text) in field_span(request, name)
    meta: dict[str, str] = {}
    if request.gen_meta:
        lines = yield Ask(render_request(current) + "\n", derived_seed(seed, len(owed)))
        tokens += lines.new_tokens
        meta = dict(read_answer(current, "\n" + lines.text).meta)
    filled = all(text.strip() or request.given.get(name, "") for name, text in texts.items())
    return Filled(request, Answer(texts, meta, well_formed=filled), reached, tokens)


def _field_steps(
    request: Request, name: Field, seed: int
) -> Generator[Ask, Completion, tuple[str, int]]:
    """Bring one field to its class; return the text to add to it, and the tokens it took."""
    span = field_span(request, name)
    start = request.given.get(name, "")
    text = start
    tokens = 0
    for number in range(ROUNDS):
        count = field_count(name, text)
        if count >= (span.least if number else span.most):
            break
        asked = replace(request, given={**request.given, name: text})
        completion = yield Ask(
            open_prompt(asked, name),
            derived_seed(seed, number),
            Enough(name, span.most - count, text),
            CONTINUED_TOKENS if number else 0,
        )
        tokens += completion.new_tokens
        added = completion.text.split("\n")[0]
        ended = came_to_its_end(completion.text, str(completion.reason))
        text = _joined(name, text, added, ended, span.most)
        if not completion.new_tokens:
            break
    return text[len(start) :], tokens


def _joined(name: Field, text: str, added: str, ended: bool, most: int) -> str:
    if name is Field.TAG:
        known = split_tags(text)
        fresh = [tag for tag in whole_tags(added, ended) if tag not in known]
        fresh = list(dict.fromkeys(fresh))[: max(0, most - len(known))]
        joint = ", " if known and fresh else ""
        return text + joint + ", ".join(fresh)
    is_open = bool(text.strip()) and not ends_sentence(text)
    room = most - count_sentences(text) + is_open
    known_sentences = {sentence.strip() for sentence in split_sentences(text)}
    for place, sentence in enumerate(whole_sentences(added, ended)):
        if sentence.strip() in known_sentences or room <= 0:
            continue
        joint = "" if is_open and not place else " " if text.strip() else ""
        text += joint + (sentence.rstrip() if is_open and not place else sentence.strip())
        known_sentences.add(sentence.strip())
        room -= 1
    return text
