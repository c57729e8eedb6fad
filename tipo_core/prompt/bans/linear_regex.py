"""Compiles regular expressions that cannot hang: a subset that needs no backtracking.

Users type these patterns, and Python's `re` takes exponential time for some, such as ``(a+)+$``. A
search with an `automaton.Regex` takes at most length x states, for every pattern. Supported:
literals, ``.``, classes ``[a-z]`` and ``[^...]``, ``\\d \\w \\s \\D \\W \\S``, ``\\b \\B``,
escaped punctuation, ``\\n \\t``, groups ``(...)`` and ``(?:...)``, ``|``, ``* + ? {m} {m,} {m,n}``
(lazy forms too: they match the same texts), ``^`` and ``$``. Everything else, such as
back-references and look-around, raises ValueError. Case is ignored.
"""

from __future__ import annotations

import re

from .automaton import (
    Assertion,
    Node,
    Regex,
    Test,
    any_case,
    any_of,
    at_boundary,
    is_word,
    negation,
    one_of,
)

MAX_STATES = 500
MAX_REPEAT = 100
MAX_DEPTH = 30

# `compile` takes a tenth of a millisecond; these forms of a pattern are known to compile. Without
# groups a character of the pattern makes at most five states (``a{9}`` makes 20).
_MAX_SIMPLE = 96
_LITERAL = r"[^\\()\[\]{}*+?|^$.]"
_ESCAPE = r"\\(?:[dDwWsSbBnt]|\W)"
_CLASS = r"\[\^?(?:\\[dDwWsS]|[^\]\\^-](?:-[^\]\\^-])?)+\]"
_ATOM = rf"(?:{_LITERAL}|[.^$]|{_ESCAPE}|{_CLASS})"
_REPEATED = rf"{_ATOM}(?:(?:[*+?]|\{{[0-9],?\}})\??)?"
# Alternatives without groups, and with groups that have no repeat count in figures.
_FLAT = rf"(?:{_REPEATED}|\|)*"
_NESTED = rf"(?:{_REPEATED}|\||\((?:\?:)?{_FLAT}\)(?:[*+?]\??)?(?!\{{[0-9]))*"
_SIMPLE = re.compile(rf"(?:{_REPEATED}|\||\((?:\?:)?{_NESTED}\)(?:[*+?]\??)?(?!\{{[0-9]))*")

# The text of each class, of a pattern in a simple form, and its ranges.
_CLASS_BODY = re.compile(r"\\.|\[([^\]]*)\]", re.DOTALL)
_RANGE = re.compile(r"(.)-(.)", re.DOTALL)


def compile(pattern: str) -> Regex:
    """Compile a pattern. Raises ValueError, with the reason, for a bad or unsupported one."""
    return _Compiler(pattern).compile()


def is_simple(pattern: str) -> bool:
    """Whether a pattern has one of the common forms that certainly compile."""
    if len(pattern) > _MAX_SIMPLE or not _SIMPLE.fullmatch(pattern):
        return False
    if "-" not in pattern:
        return True
    ranges = [one for body in _CLASS_BODY.findall(pattern) for one in _RANGE.findall(body)]
    return all(low <= high for low, high in ranges)


def _escaped_class(letter: str) -> Test | None:
    """The test of ``\\d``, ``\\w``, ``\\s`` or their opposites; None for another letter."""
    test: Test | None = None
    if letter in "dD":
        test = str.isdecimal
    elif letter in "wW":
        test = is_word
    elif letter in "sS":
        test = str.isspace
    return negation(test) if test is not None and letter.isupper() else test


def _escaped_character(letter: str) -> str:
    """The character that ``\\letter`` means. Raises ValueError if it is not supported."""
    if letter in ("n", "t"):
        return "\n" if letter == "n" else "\t"
    if not letter or letter.isalnum():
        raise ValueError(f"'\\{letter}' is not supported")
    return letter


_Fragment = tuple[int, int]  # the first and the last state; the last has no successor yet


class _Compiler:
    """Recursive descent over the pattern, building states as it goes."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.position = 0
        self.depth = 0
        self.nodes: list[Node] = []

    def compile(self) -> Regex:
        start, end = self._alternatives()
        if self.position < len(self.pattern):
            raise ValueError(f"')' without '(' at {self.position}")
        return Regex(self.pattern, tuple(self.nodes), start, end)

    def _peek(self, count: int = 1) -> str:
        return self.pattern[self.position : self.position + count]

    def _take(self) -> str:
        character = self._peek()
        self.position += 1
        return character

    def _node(self, test: Test | None = None, assertion: Assertion | None = None) -> int:
        if len(self.nodes) >= MAX_STATES:
            raise ValueError(f"the pattern is too large: more than {MAX_STATES} states")
        self.nodes.append(Node(test, assertion))
        return len(self.nodes) - 1

    def _single(self, test: Test | None = None, assertion: Assertion | None = None) -> _Fragment:
        first, last = self._node(test, assertion), self._node()
        self.nodes[first].following.append(last)
        return first, last

    def _alternatives(self) -> _Fragment:
        branches = [self._sequence()]
        while self._peek() == "|":
            self.position += 1
            branches.append(self._sequence())
        if len(branches) == 1:
            return branches[0]
        first, last = self._node(), self._node()
        for start, end in branches:
            self.nodes[first].following.append(start)
            self.nodes[end].following.append(last)
        return first, last

    def _sequence(self) -> _Fragment:
        first = last = self._node()
        while self._peek() not in ("", "|", ")"):
            start, end = self._repeated()
            self.nodes[last].following.append(start)
            last = end
        return first, last

    def _repeated(self) -> _Fragment:
        begin = self.position
        fragment = self._atom()
        bounds = self._bounds()
        if bounds is None:
            return fragment
        if self._peek() == "?":
            self.position += 1
        after = self.position
        if self._peek() in ("*", "+", "?") or self._is_braces():
            raise ValueError(f"multiple repeat at {after}: use a group")
        low, high = bounds
        total = max(low, 1) if high is None else high
        copies = [fragment] + [self._copy(begin) for _ in range(total - 1)]
        self.position = after
        first = last = self._node()
        done = self._node()
        for count, (start, end) in enumerate(copies[:total]):
            if count >= low:
                self.nodes[last].following.append(done)
            self.nodes[last].following.append(start)
            last = end
            if high is None and count == total - 1:
                self.nodes[end].following.append(start)
        self.nodes[last].following.append(done)
        return first, done

    def _copy(self, begin: int) -> _Fragment:
        """Compile the atom at `begin` again, into new states."""
        self.position = begin
        return self._atom()

    def _is_braces(self) -> bool:
        return self._peek() == "{" and self._peek(2)[1:].isdigit()

    def _bounds(self) -> tuple[int, int | None] | None:
        """Read a quantifier: ``(min, max)`` repeats, max None for no limit; None for none."""
        mark = self._peek()
        if mark in ("*", "+", "?") and mark:
            self.position += 1
            return (1 if mark == "+" else 0, 1 if mark == "?" else None)
        if not self._is_braces():
            return None
        close = self.pattern.find("}", self.position)
        body = self.pattern[self.position + 1 : close] if close > 0 else ""
        low, comma, high = body.partition(",")
        if not _is_number(low) or not (high == "" or _is_number(high)):
            raise ValueError(f"bad repeat count at {self.position}: write {{m}}, {{m,}} or {{m,n}}")
        self.position = close + 1
        minimum = int(low)
        maximum = minimum if not comma else (int(high) if high else None)
        if max(minimum, maximum or 0) > MAX_REPEAT:
            raise ValueError(f"a repeat count above {MAX_REPEAT} is not supported")
        if maximum is not None and maximum < minimum:
            raise ValueError(f"the repeat counts of {{{body}}} are in the wrong order")
        return minimum, maximum

    def _atom(self) -> _Fragment:
        character = self._take()
        if character == "(":
            return self._group()
        if character == "[":
            return self._single(self._class())
        if character == ".":
            return self._single(lambda c: c != "\n")
        if character == "^":
            return self._single(assertion=lambda before, after: not before)
        if character == "$":
            return self._single(assertion=lambda before, after: not after)
        if character in ("*", "+", "?"):
            raise ValueError(f"nothing to repeat at {self.position - 1}")
        if character == "\\":
            letter = self._take()
            if letter == "b":
                return self._single(assertion=at_boundary)
            if letter == "B":
                return self._single(assertion=lambda before, after: not at_boundary(before, after))
            test = _escaped_class(letter) if letter else None
            if test is not None:
                return self._single(test)
            character = _escaped_character(letter)
        return self._single(any_case(one_of(frozenset(character), ())))

    def _group(self) -> _Fragment:
        if self._peek() == "?":
            if self._peek(2) != "?:":
                raise ValueError(f"'({self._peek(2)}' is not supported, use (...) or (?:...)")
            self.position += 2
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise ValueError(f"groups are nested more than {MAX_DEPTH} deep")
        fragment = self._alternatives()
        self.depth -= 1
        if self._take() != ")":
            raise ValueError("'(' without ')'")
        return fragment

    def _class(self) -> Test:
        """Read a class after its opening bracket: the test of ``[...]``."""
        negated = self._peek() == "^"
        self.position += negated
        characters: set[str] = set()
        ranges: list[tuple[str, str]] = []
        tests: list[Test] = []
        first = True
        while first or self._peek() != "]":
            if not self._peek():
                raise ValueError("'[' without ']'")
            first = False
            low = self._class_item(tests)
            if low is None:
                continue
            if self._peek() == "-" and self._peek(2) not in ("-", "-]"):
                self.position += 1
                high = self._class_item([])
                if high is None or high < low:
                    raise ValueError(f"bad range in '[...]' at {self.position}")
                ranges.append((low, high))
            else:
                characters.add(low)
        self.position += 1
        tests.append(any_case(one_of(frozenset(characters), tuple(ranges))))
        return negation(any_of(tests)) if negated else any_of(tests)

    def _class_item(self, tests: list[Test]) -> str | None:
        """Read one character of a class; a class such as ``\\d`` is added to `tests`: None."""
        character = self._take()
        if character != "\\":
            return character
        letter = self._take()
        test = _escaped_class(letter) if letter else None
        if test is not None:
            tests.append(test)
            return None
        return _escaped_character(letter)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()
