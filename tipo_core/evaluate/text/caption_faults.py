"""Faults of added captions: seams after the user's caption, and sentences about something else.

- Seam: the place where the user's caption ends and the addition begins. A half word stands there
  if a letter follows the user's last word without a blank, or if the first word is a fragment: up
  to four letters that are no ordinary word. A stray stop is a mark that begins the addition,
  follows a blank, or follows another mark.
- Known words are those of the request and of the added tags that are no fault themselves, and words
  for the persons. A caption is about something else if one of its sentences has at least two
  content words and knows none of them, or if it is a new caption and names no subject: no word of
  the request except for the time of day and the like. A clause that goes on with the user's own
  sentence is not judged.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import cache

from ...prompt import canonical, split_sentences
from ...prompt.vocabulary.names import NAMES_FILE
from .answers import ExpandedText
from .content_words import SETTING, content_words, known_words

_MARKS = ".,;:!?"
_STRAY_MARK = re.compile(r"(?:^|\s)[.,;:!?](?!\w|\.\.)|(?<!\.)[.,;:!?]\s*[.,;:](?!\.)")
_FIRST_WORD = re.compile(r"\s*([a-z]{1,4})(?![\w'\u2019-])")
_LEAST_WORDS = 2


def has_seam(answer: ExpandedText) -> bool:
    """Return whether the model continued a caption of the user."""
    return bool(answer.caption.strip() and answer.added_caption.strip())


def half_words(answer: ExpandedText) -> tuple[str, ...]:
    """Return the half words at the seam, with the user's word before them."""
    user = answer.caption.rstrip()
    rest = _after(answer.whole_caption, user, answer.added_caption)
    before = user.split()[-1]
    if rest[:1].isalnum() and user[-1:].isalnum():
        return (before + rest.split()[0],)
    first = _FIRST_WORD.match(rest)
    if first and first[1] not in _ordinary_words() and first[1] not in answer.caption.split():
        return (f"{before} {first[1]}",)
    return ()


def stray_stops(answer: ExpandedText) -> tuple[str, ...]:
    """Return the stray stops of an added caption, each with a few characters around it."""
    added = answer.added_caption.strip()
    found = [added[max(0, m.start() - 8) : m.end() + 4] for m in _STRAY_MARK.finditer(added)]
    if found or not has_seam(answer):
        return tuple(found)
    user = answer.caption.rstrip()
    seam = user[-8:] + _after(answer.whole_caption, user, added)[:4]
    place = len(user[-8:])
    if any(match.end() > place for match in _STRAY_MARK.finditer(seam)):
        return (seam,)
    return ()


def _after(whole: str, user: str, added: str) -> str:
    """Return the text after the user's caption in the whole caption."""
    return whole[len(user) :] if whole.startswith(user) else f" {added}"


def unknown_words(answer: ExpandedText, faulty: Collection[str] = ()) -> tuple[int, int]:
    """Return the added caption's content words that are not known, and all of them.

    `faulty` are the added tags that are faults themselves.
    """
    known = _known(answer, faulty)
    words = content_words(answer.added_caption)
    return sum(word not in known for word in words), len(words)


def about_something_else(answer: ExpandedText, faulty: Collection[str] = ()) -> tuple[str, ...]:
    """Return the added sentences about something else; the whole caption if it has no subject."""
    known = _known(answer, faulty)
    found = []
    for number, sentence in enumerate(split_sentences(answer.added_caption)):
        if not number and has_seam(answer) and not sentence.strip()[:1].isupper():
            continue  # the end of the user's own sentence
        words = [word for word in content_words(sentence) if word not in SETTING]
        if len(words) >= _LEAST_WORDS and known.isdisjoint(words):
            found.append(sentence.strip())
    asked = known_words((answer.request.text,), _model_tags(answer)) - SETTING
    names_subject = not asked or not asked.isdisjoint(content_words(answer.added_caption))
    if not found and not has_seam(answer) and not names_subject:
        return (answer.added_caption.strip(),)
    return tuple(found)


def _known(answer: ExpandedText, faulty: Collection[str]) -> frozenset[str]:
    added = [canonical(tag) for tag in answer.added_tags if tag not in faulty]
    return known_words((answer.request.text,), [*added, *_model_tags(answer)])


def _model_tags(answer: ExpandedText) -> list[str]:
    return [canonical(tag) for tag in (*answer.tags.split(","), *answer.model_tags.split(","))]


@cache
def _ordinary_words() -> frozenset[str]:
    """Return the ordinary words of the name lists, with their plurals."""
    lines = NAMES_FILE.with_name("ordinary_words.txt").read_text("utf-8").splitlines()
    words = {word for line in lines if not line.startswith("#") for word in line.split()}
    return frozenset(words | {f"{word}s" for word in words})
