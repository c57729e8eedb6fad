"""Parses lists of values such as "4:12:2, 15", "1-10(+2)" or "euler, dpmpp_2m".

Ranges are written with colons, or as in A1111's X/Y/Z plot (`scripts/xyz_grid.py`). Numbers are
exact fractions until the end, so that steps of 0.1 do not add up rounding errors.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fractions import Fraction

from ...error_collector import ErrorCollector
from .search_replace import csv_values

Value = int | float | str

MAX_CELLS = 400  # pictures of one sweep


@dataclass(frozen=True)
class Limits:
    """The least and the greatest number of a parameter, both allowed, and an example of a list."""

    low: int
    high: int
    is_whole: bool
    example: str


NUMBERS: Mapping[str, Limits] = {
    "cfg": Limits(0, 100, False, "4:12:2 or 4, 6, 7.5"),
    "denoise": Limits(0, 1, False, "0.2:0.8:0.2 or 0.3, 0.5"),
    "clip_skip": Limits(-24, 24, True, "1:3 or 1, 2"),
    "steps": Limits(1, 10000, True, "10:30:5 or 8, 20"),
    "lora_strength": Limits(-100, 100, False, "0:1:0.25 or 0.6, 0.8"),
    "seed": Limits(0, 0xFFFFFFFFFFFFFFFF, True, "1:4 or 7, 42"),
}

# With the full-width and ideographic marks of a Chinese keyboard.
_BETWEEN_ENTRIES = re.compile("[,;\n\uff0c\u3001\uff1b]")
_BETWEEN_NUMBERS = re.compile("[:\uff1a]")
# Dashes and minus signs that stand for the hyphen, and the full-width characters of numbers.
_HYPHENS_AND_DIGITS = str.maketrans(
    {
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d", "-"),
        "\uff0b": "+",
        "\uff0e": ".",
        **{chr(0xFF10 + digit): str(digit) for digit in range(10)},
    }
)
# No exponents: "1e999" has a thousand digits.
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)")
_LONGEST_NUMBER = 40
# A1111's "start-end", "start-end(step)" and "start-end[count]"; signs may stand before numbers.
_DASHED = re.compile(
    r"([+-]?\s*[0-9.]+)\s*-\s*([+-]?\s*[0-9.]+)"
    r"\s*(?:[(\uff08]\s*([+-]?\s*[0-9.]+)\s*[)\uff09]|[\[\u3010]\s*([0-9]+)\s*[\]\u3011])?"
)


def parse_values(parameter: str, text: str, input_name: str) -> list[Value]:
    """Return the numbers of a list such as "1, 4:8:2", in order, repeated values included.

    Entries are separated by commas, semicolons or line breaks. An entry is a number, or a range
    `start:end:step` that includes `end` where a step reaches it, or `start:end` in steps of 1,
    which counts down where `end` is less. `start-end(step)` and `start-end` are the same,
    `start-end[count]` has that many values at equal distances, cut to whole numbers where the
    parameter has these. Values are exact: 0.2:0.8:0.2 has the float nearest to 0.6. Ranges are
    counted before they are expanded.
    Raises ValueError that names `input_name`, each bad entry and the allowed values.
    """
    limits = NUMBERS[parameter]
    entries = _entries(parameter, text, input_name, limits.example)
    errors = ErrorCollector()
    ranges: list[_Range] = []
    for place, entry in enumerate(entries, 1):
        with errors.collect():
            where = f"{input_name}, entry {place}, '{_shown(entry)}'"
            ranges.append(_number_range(entry, parameter, limits, where))
    errors.raise_all()
    check_count(sum(one.count for one in ranges), input_name)
    kind = int if limits.is_whole else float
    return [kind(value) for one in ranges for value in one.values()]


def name_entries(parameter: str, text: str, input_name: str, choices: Sequence[str]) -> list[str]:
    """Return the entries of a list of names; a name with a comma stands in quotation marks.

    Raises ValueError for an empty list, with two of the choices, and for too many entries.
    """
    entries = _entries(parameter, text, input_name, ", ".join(choices[:2]), has_quotes='"' in text)
    check_count(len(entries), input_name)
    return entries


def _entries(
    parameter: str, text: str, input_name: str, example: str, *, has_quotes: bool = False
) -> list[str]:
    found = csv_values(text) if has_quotes else _BETWEEN_ENTRIES.split(text)
    entries = [entry.strip() for entry in found]
    entries = [entry for entry in entries if entry]
    if not entries:
        raise ValueError(f"{input_name} is empty: list values of {parameter}, such as {example}")
    return entries


@dataclass(frozen=True)
class _Range:
    """`count` numbers from `start` on."""

    start: Fraction
    step: Fraction
    count: int

    def values(self) -> list[Fraction]:
        return [self.start + i * self.step for i in range(self.count)]


def _number_range(entry: str, parameter: str, limits: Limits, where: str) -> _Range:
    """Parse one entry; `where` names it in errors."""
    entry = entry.translate(_HYPHENS_AND_DIGITS)
    if dashed := _DASHED.fullmatch(entry):
        if dashed[4]:
            return _counted_range(dashed, parameter, limits, where)
        # "3-7(+0.5)": the sign gives a direction; without one the range goes from start to end.
        parts = [part for part in dashed.group(1, 2, 3) if part]
    else:
        parts = _BETWEEN_NUMBERS.split(entry)
    numbers = [_number(part, where, limits) for part in parts]
    if len(numbers) > 3:
        raise ValueError(f"{where}: a range is start:end:step, such as {limits.example}")
    _check_limits(numbers[:2], parameter, limits, where)
    if limits.is_whole and any(number.denominator > 1 for number in numbers):
        raise ValueError(f"{where}: {parameter} takes whole numbers, such as {limits.example}")
    if len(numbers) == 1:
        return _Range(numbers[0], Fraction(1), 1)
    start, end = numbers[:2]
    step = numbers[2] if len(numbers) == 3 else Fraction(1 if end >= start else -1)
    if dashed and end < start and "+" not in parts[-1]:
        step = -abs(step)
    if step == 0:
        raise ValueError(
            f"{where}: the step is 0, which never ends: give a step, such as {limits.example}"
        )
    if (end - start) * step < 0:
        way = "up" if step > 0 else "down"
        here = f"{_plain(start)}:{_plain(end)}:{_plain(-step)}"
        there = f"{_plain(end)}:{_plain(start)}:{_plain(step)}"
        raise ValueError(
            f"{where}: the step counts {way}, away from the end: write {here} or {there}"
        )
    if len(numbers) == 2 and 0 < abs(end - start) < 1:
        raise ValueError(
            f"{where}: the range is shorter than a step of 1: give a step, such as {limits.example}"
        )
    return _Range(start, step, int((end - start) / step) + 1)


def _counted_range(dashed: re.Match[str], parameter: str, limits: Limits, where: str) -> _Range:
    """Return `start-end[count]`: values at equal distances, both ends included."""
    start, end = (_number(part, where, limits) for part in dashed.group(1, 2))
    _check_limits((start, end), parameter, limits, where)
    count = int(dashed[4]) if len(dashed[4]) <= _LONGEST_NUMBER else MAX_CELLS + 1
    if count == 0:
        raise ValueError(f"{where}: 0 values: give the number of values, such as [5]")
    return _Range(start, (end - start) / max(count - 1, 1), count)


def _check_limits(numbers: Sequence[Fraction], parameter: str, limits: Limits, where: str) -> None:
    for number in numbers:
        if not limits.low <= number <= limits.high:
            raise ValueError(
                f"{where}: {parameter} must be from {limits.low} to {limits.high}; this entry "
                f"has {_shown(_plain(number))}"
            )


def _number(text: str, where: str, limits: Limits) -> Fraction:
    text = "".join(text.split()) if text[:1] in ("+", "-") else text.strip()
    if len(text) > _LONGEST_NUMBER or not _NUMBER.fullmatch(text):
        raise ValueError(
            f"{where}: '{_shown(text)}' is not a number: write values such as {limits.example}"
        )
    return Fraction(text if text[-1] != "." else text[:-1])


def check_name(name: str, parameter: str, choices: Sequence[str], where: str) -> None:
    """Raise ValueError, with a near match or all choices, if a name is not among `choices`."""
    if name not in choices:
        close = get_close_matches(name.lower()[:100], choices, n=1)
        raise unknown_name(name, parameter, choices, where, next(iter(close), None))


def unknown_name(
    name: str, parameter: str, choices: Sequence[str], where: str, close: str | None
) -> ValueError:
    """Return the error for a name that is not among `choices`; `close` is a near match."""
    remedy = f"did you mean '{close}'?" if close else f"choose from {', '.join(choices)}"
    return ValueError(f"{where}: there is no {parameter} '{_shown(name)}': {remedy}")


def check_count(count: int, input_name: str) -> None:
    if count > MAX_CELLS:
        raise ValueError(
            f"{input_name} has {count} values, but a sweep draws at most {MAX_CELLS} pictures: "
            "give fewer values or a larger step"
        )


def _shown(text: str) -> str:
    return text if len(text) <= _LONGEST_NUMBER else f"{text[: _LONGEST_NUMBER - 3]}..."


def _plain(number: Fraction) -> str:
    """Return a number without an exponent."""
    return str(number.numerator) if number.denominator == 1 else value_text(float(number))


def value_text(value: Value) -> str:
    """Return a value as people write it: 4 for 4.0."""
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)
