"""Scores a piece of a prompt from its words: caption or tag.

A linear classifier with weights set by hand. Its features are the numbers of words, articles,
pronouns and verbs, a stop at the end, and whether the piece is a known tag or name; the result
is measured in docs/split-quality.md.
"""

from __future__ import annotations

import re

from ..vocabulary.tags import Category, category, is_known_name

# Scores of a known tag and a known name; the score of a single unknown word before other cues.
KNOWN_TAG, KNOWN_NAME, SHORT_PIECE = -5.0, -4.0, -3.0

DETERMINERS = frozenset(
    (
        *("a", "an", "the", "his", "her", "its", "their", "our", "my", "your", "this", "that"),
        *("these", "those", "some", "another", "each", "every", "several", "many"),
    )
)
_PRONOUNS_AND_AUXILIARIES = frozenset(
    (
        *("he", "she", "it", "they", "we", "i", "you", "there", "who", "which", "while", "where"),
        *("is", "are", "was", "were", "be", "been", "being", "has", "have", "had", "does", "can"),
        *("will", "seems", "appears", "as", "and", "or", "but", "because", "him", "them", "to"),
    )
)
VERBS = frozenset(
    (
        *("sits", "stands", "wears", "holds", "looks", "walks", "smiles", "reads", "rides"),
        *("runs", "lies", "lays", "sleeps", "stares", "gazes", "leans", "shows", "features"),
        *("depicts", "plays", "eats", "drinks", "flies", "hangs", "rests", "waits", "watches"),
        *("carries", "jumps", "swims", "laughs", "cries", "dances", "sings", "reaches", "points"),
        *("kneels", "poses", "prepares", "takes", "gets", "makes", "goes", "comes", "does"),
        *("displays", "contains", "includes", "surrounds"),
    )
)
# Counted after the first word only: tags begin with these too, ``standing on one leg``.
_PARTICIPLES = frozenset(
    (
        *("surrounded", "covered", "filled", "parked", "located", "seated", "dressed", "placed"),
        *("topped", "sitting", "standing"),
    )
)
_PREPOSITIONS = frozenset(
    (
        *("of", "in", "on", "at", "by", "with", "from", "into", "onto", "near", "behind", "for"),
        *("under", "over", "through", "between", "beside", "above", "below", "around", "next"),
        *("outside", "inside", "along", "across", "against", "towards", "up", "down", "front"),
    )
)
STARTERS = DETERMINERS | {"he", "she", "it", "they", "we", "i", "you", "there"}
JOINS = frozenset(("and", "or", "but"))
CONTINUES = frozenset((*JOINS, "with", "while", "as", "who", "which", "where"))
_WORD = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*")
_WIDE_STOP = re.compile(r"[\u3002\uff01\uff1f]")
_NAMES = frozenset((Category.ARTIST, Category.CHARACTERS, Category.COPYRIGHTS))
# ``art by a and b``, ``in the style of c``; but not ``sitting by the window``
_CREDIT = re.compile(
    r"(?!(?:an?|the|his|her) )(?:[\w-]+ ){0,2}"
    r"(?:by (?!(?:an?|the|his|her|its|their|my|your|some) )|in the style of |trending on )"
)
_LONGEST_TAG = 170  # characters; the name lists have no longer entry
# Chinese characters, kana, Hangul.
_WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
# Particles, pronouns and endings, which Chinese and Japanese sentences have and tags mostly lack.
_WIDE_PARTICLES = re.compile(
    r"[\u7684\u7740\u5728\u4e86\u548c\u662f\u6709\u5979\u4ed6\u5b83\u6211\u4f60]"
    r"|[\u3092\u304c\u306f\u306b\u3067]|\u3067\u3059|\u307e\u3059|\u3044\u308b"
)


def score_caption(plain: str, *, ends_sentence: bool, is_typed_as_tag: bool) -> float:
    """Score plain words: positive for a caption, negative for a tag, 0 for no words."""
    words = _WORD.findall(plain)
    if not words:
        return 0.0
    if len(plain) <= _LONGEST_TAG:
        known_score = _known_score(plain, len(words))
        if known_score:
            return known_score
    score = _wide_score(plain) if _WIDE.match(words[0]) else _word_score(words)
    if words[0][0].isdigit():
        score -= 2.0
    if is_typed_as_tag:
        score -= 4.0
    if ends_sentence:
        score += 3.0
    elif _CREDIT.match(plain[:_LONGEST_TAG].lower()):
        return KNOWN_NAME
    if _WIDE_STOP.search(plain):
        score += 3.0
    return score


def _known_score(plain: str, words: int) -> float:
    """The score of a known tag, of a known name or of several; 0 for any other text."""
    known = category(plain)
    if known in _NAMES and words <= 2 and plain[-1] in ".!?":
        return 0.0  # ``free!`` and ``cheers!`` are series, but also end sentences
    # ``drawn by hand on paper`` has the form of an artist tag, but is in no list
    if known is not Category.GENERAL and (words <= 4 or is_known_name(plain)):
        return KNOWN_NAME if known in _NAMES else KNOWN_TAG
    names = plain.removeprefix("and ").split(" and ")
    if len(plain) > len(names[0]) and all(is_known_name(name) for name in names):
        return KNOWN_NAME  # ``greg rutkowski and alphonse mucha``
    return 0.0


def _word_score(words: list[str]) -> float:
    lower = [word.lower() for word in words]
    score = (SHORT_PIECE, -2.0, -1.3, -0.6)[len(words) - 1] if len(words) <= 4 else 0.0
    score += min(3.0, 0.6 * max(0, len(words) - 4))
    if len(words) > 1 and not any(word[0].islower() for word in words):
        score -= 1.0  # ``Symphony Of The Night``
    else:
        score += sum(2.0 for word in lower if word in DETERMINERS)
        score += sum(1.2 for word in lower if word in _PRONOUNS_AND_AUXILIARIES)
        score += sum(1.2 for word in lower if word in VERBS)
        score += sum(1.2 for word in lower[1:] if word in _PARTICIPLES)
        score += sum(0.5 for word in lower[1:] if word in _PREPOSITIONS)
        if words[0][0].isupper() and words[0][1:].islower() | (len(words[0]) == 1):
            score += 1.0
    if lower[0] in CONTINUES:
        score += 1.5
    if words[0].islower() and words[0].endswith("ing") and len(words) <= 5:
        score -= 1.5  # ``looking to the side``
    return score


def _wide_score(plain: str) -> float:
    """The score of Chinese or Japanese text: by its length and its particles."""
    length = len(_WIDE.findall(plain))
    particles = len(_WIDE_PARTICLES.findall(plain))
    return SHORT_PIECE + min(6.0, 0.45 * max(0, length - 2)) + min(6.0, 1.0 * particles)
