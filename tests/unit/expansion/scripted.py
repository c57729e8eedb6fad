"""A language model that says what a test wrote down."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from tipo_core.lm.stop_reason import StopReason


@dataclass(frozen=True)
class Said:
    text: str
    reason: StopReason = StopReason.END_TOKEN
    prompt_tokens: int = 10
    new_tokens: int = 5


@dataclass
class Scripted:
    """Answers with the next line of its script; keeps the prompts, seeds and options it saw.

    One that `flows` goes on with the same line where it was stopped.
    """

    script: Iterable[str]
    flows: bool = False
    prompts: list[str] = field(default_factory=list)
    seeds: list[int] = field(default_factory=list)
    min_new_tokens: list[int] = field(default_factory=list)
    sessions: int = 0

    def __post_init__(self) -> None:
        self._lines = list(self.script)

    def session(self) -> Scripted:
        """Give itself: a script has nothing to keep."""
        self.sessions += 1
        return self

    def complete(
        self,
        prompt: str,
        *,
        seed: int,
        on_token: Callable[[int], None] | None = None,
        enough: Callable[[str], bool] | None = None,
        min_new_tokens: int = 0,
    ) -> Said:
        """Give the next line a character at a time, as far as `enough` lets it come."""
        self.prompts.append(prompt)
        self.seeds.append(seed)
        self.min_new_tokens.append(min_new_tokens)
        line = self._lines.pop(0) if self._lines else ""
        text = ""
        for character in line:
            text += character
            if on_token is not None:
                on_token(len(text))
            if enough is not None and enough(text):
                if self.flows and line[len(text) :]:
                    self._lines.insert(0, line[len(text) :])
                return Said(text, StopReason.TARGET, new_tokens=len(text))
        return Said(text, new_tokens=len(text))
