"""A1111's reading of weights and chunks, written a second time, character by character.

`tests/host/image/hosted_a1111.py` uses it too, with CLIP's own tokenizer.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

Weighted = list[tuple[str, float]]

ATOMS = (
    *("a", "cat", "red hair", "1girl", "o_o", "don't", "é", "猫", ".", "-"),
    *(" ", "  ", ", ", ",", "\n", "a, b, c, "),
    *("(", "(", "(", ")", ")", ")", "[", "[", "]", "]", "((", "))", "[[", "]]"),
    *(":1.2)", ":1.2)", ":0.5)", ": 1.3 )", ":-1)", ":0)", ":+.7)", ":1.)", ":1,2)", ":a)"),
    *(":", "::", ":1.2", ":0.5]", "|", "{", "}", "\\(", "\\)", "\\[", "\\]", "\\\\", "\\", "\\:"),
    *("BREAK", " BREAK ", "BREAK,", "BREAKS", "_BREAK", " AND ", "<", ">"),
)


def random_prompt(source: random.Random, most: int = 40) -> str:
    """Return a prompt of up to `most` atoms of the syntax."""
    return "".join(source.choices(ATOMS, k=source.randint(0, most)))


def weights(text: str) -> Weighted:
    """Return the texts with their weights; a BREAK outside of brackets is ("BREAK", -1).

    Raises ValueError, as A1111 does, for a number such as 1.2.3.
    """
    found: list[list] = []
    open_brackets: dict[str, list[int]] = {"(": [], "[": []}

    def close(sign: str, factor: float) -> None:
        for piece in found[open_brackets[sign].pop() :]:
            piece[1] *= factor

    def add_words(words: str) -> None:
        while (place := re.search(r"(?<!\w)BREAK(?!\w)", words)) is not None:
            found.append([words[: place.start()].rstrip(), 1.0])
            found.append(["BREAK", -1.0])
            words = words[place.end() :].lstrip()
        found.append([words, 1.0])

    place = 0
    while place < len(text):
        sign = text[place]
        if sign == "\\":
            escaped = text[place + 1 : place + 2]
            is_bracket = escaped != "" and escaped in "()[]\\"
            found.append([escaped if is_bracket else "", 1.0])
            place += 2 if is_bracket else 1
        elif sign in "([":
            open_brackets[sign].append(len(found))
            place += 1
        elif sign == ":" and (number := _number_before_bracket(text, place)) is not None:
            value, after = number
            if open_brackets["("]:
                close("(", float(value))
            else:
                add_words(text[place:after])
            place = after
        elif sign == ")" and open_brackets["("]:
            close("(", 1.1)
            place += 1
        elif sign == "]" and open_brackets["["]:
            close("[", 1 / 1.1)
            place += 1
        elif sign in ":)]":
            add_words(sign)
            place += 1
        else:
            end = place
            while end < len(text) and text[end] not in "\\()[]:":
                end += 1
            add_words(text[place:end])
            place = end
    while open_brackets["("]:
        close("(", 1.1)
    while open_brackets["["]:
        close("[", 1 / 1.1)
    merged: list[list] = []
    for piece, weight in found or [["", 1.0]]:
        if merged and merged[-1][1] == weight:
            merged[-1][0] += piece
        else:
            merged.append([piece, weight])
    return [(piece, weight) for piece, weight in merged]


def _number_before_bracket(text: str, colon: int) -> tuple[str, int] | None:
    """Return the number of `:1.2)` and the offset after the bracket."""
    end = colon + 1
    while text[end : end + 1].isspace():
        end += 1
    start = end
    if text[end : end + 1] in ("+", "-"):
        end += 1
    digits = end
    while text[end : end + 1].isdecimal() or text[end : end + 1] == ".":
        end += 1
    if digits == end:
        return None
    number = text[start:end]
    while text[end : end + 1].isspace():
        end += 1
    return (number, end + 1) if text[end : end + 1] == ")" else None


def chunks(
    texts: Weighted, tokens_of: Callable[[str], Sequence[int]], comma: int
) -> list[list[tuple[int, float]]]:
    """Return the (token, weight) of each chunk of up to 75, without start, end and padding."""
    parts: list[list[tuple[int, float]]] = [[]]
    for text, weight in texts:
        if (text, weight) == ("BREAK", -1):
            parts.append([])
        else:
            parts[-1] += [(token, weight) for token in tokens_of(text)]
    found: list[list[tuple[int, float]]] = []
    for number, part in enumerate(parts):
        is_last = number == len(parts) - 1
        if not part and not (is_last and found):
            found.append([])
        while part:
            border = 75
            if len(part) > 75 and part[75][0] != comma:
                # A comma 20 tokens or less before the border.
                near = [i for i in range(55, 75) if part[i][0] == comma]
                border = near[-1] + 1 if near else 75
            found.append(part[:border])
            part = part[border:]
    return found
