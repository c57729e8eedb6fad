"""A Thompson automaton over characters: all active states advance together, without backtracking.

The time of a search is at most length x states. Source: K. Thompson, "Regular expression search
algorithm", CACM 11(6), 1968. `linear_regex` compiles patterns to automata.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

Test = Callable[[str], bool]
# A condition on a position: (character before, character after) -> bool; "" at the ends.
Assertion = Callable[[str, str], bool]


@dataclass
class Node:
    """A state: consumes a character that passes `test`, or none if `assertion` holds."""

    test: Test | None = None
    assertion: Assertion | None = None
    following: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Regex:
    """A compiled pattern. Build it with `linear_regex.compile`."""

    pattern: str
    _nodes: tuple[Node, ...] = field(repr=False, compare=False)
    _start: int = field(repr=False, compare=False)
    _accept: int = field(repr=False, compare=False)

    def search(self, text: str) -> bool:
        """Whether the pattern matches anywhere in the text."""
        return self._run(text, anywhere=True)

    def fullmatch(self, text: str) -> bool:
        """Whether the pattern matches the whole text."""
        return self._run(text, anywhere=False)

    def _run(self, text: str, anywhere: bool) -> bool:
        states: set[int] = {self._start}
        for index in range(len(text) + 1):
            before = text[index - 1] if index else ""
            after = text[index] if index < len(text) else ""
            if anywhere:
                states.add(self._start)
            states = self._closure(states, before, after)
            if self._accept in states and (anywhere or not after):
                return True
            if not after or (not states and not anywhere):
                return False
            step: set[int] = set()
            for state in states:
                node = self._nodes[state]
                if node.test is not None and node.test(after):
                    step.update(node.following)
            states = step
        return False

    def _closure(self, states: set[int], before: str, after: str) -> set[int]:
        """The states and all states reachable from them without a character."""
        reached, waiting = set(states), list(states)
        while waiting:
            node = self._nodes[waiting.pop()]
            if node.test is not None:
                continue
            if node.assertion is not None and not node.assertion(before, after):
                continue
            for state in node.following:
                if state not in reached:
                    reached.add(state)
                    waiting.append(state)
        return reached


def is_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def at_boundary(before: str, after: str) -> bool:
    return is_word(before) != is_word(after)


def any_case(test: Test) -> Test:
    return lambda character: test(character) or test(character.lower()) or test(character.upper())


def negation(test: Test) -> Test:
    return lambda character: not test(character)


def one_of(characters: frozenset[str], ranges: tuple[tuple[str, str], ...]) -> Test:
    return lambda c: c in characters or any(low <= c <= high for low, high in ranges)


def any_of(tests: Sequence[Test]) -> Test:
    return lambda character: any(test(character) for test in tests)
