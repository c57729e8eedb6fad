"""A language model that says what a test wrote down."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from tipo_core.expansion.fields import Filled, fill_steps
from tipo_core.expansion.format import Request
from tipo_core.expansion.request import LanguageModel
from tipo_core.lm.generate.completion import Ask, Cancelled, Completion, Result, Steps
from tipo_core.lm.generate.stop_reason import StopReason


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
    not_first: list[set[str]] = field(default_factory=list)
    was_cancelled: bool = False

    def __post_init__(self) -> None:
        self._lines = list(self.script)

    def answer(self, steps: Sequence[Steps[Result]]) -> list[Result]:
        """Run the steps one after the other; a `Cancelled` ends all that is asked from then on."""
        return [self._run(one) for one in steps]

    def _run(self, steps: Steps[Result]) -> Result:
        try:
            ask = next(steps)
            while True:
                ask = steps.send(self._heard(ask))
        except StopIteration as done:
            result: Result = done.value
            return result

    def _heard(self, ask: Ask) -> Completion:
        if self.was_cancelled:
            return Completion("", StopReason.CANCELLED, 0, 0)
        self.not_first.append({chr(token) for token in ask.not_first})
        text = ""

        def heard(tokens: int) -> None:
            if ask.on_token is not None:
                ask.on_token(tokens)

        def enough(so_far: str) -> bool:
            nonlocal text
            text = so_far
            return ask.enough is not None and ask.enough(so_far)

        try:
            return self.complete(
                ask.prompt,
                seed=ask.seed,
                on_token=heard,
                enough=enough,
                min_new_tokens=ask.min_new_tokens,
            )
        except Cancelled:
            self.was_cancelled = True
            return Completion(text, StopReason.CANCELLED, 10, len(text))

    def complete(
        self,
        prompt: str,
        *,
        seed: int,
        on_token: Callable[[int], None] | None = None,
        enough: Callable[[str], bool] | None = None,
        min_new_tokens: int = 0,
    ) -> Completion:
        """Give the next line a character at a time, as far as `enough` lets it come."""
        self.prompts.append(prompt)
        self.seeds.append(seed)
        self.min_new_tokens.append(min_new_tokens)
        line = self._lines.pop(0) if self._lines else ""
        text = ""
        for character in line:
            text += character
            is_enough = enough is not None and enough(text)
            if on_token is not None:
                on_token(len(text))
            if is_enough:
                if self.flows and line[len(text) :]:
                    self._lines.insert(0, line[len(text) :])
                return said(text, StopReason.TARGET)
        return said(text)


def said(text: str, reason: StopReason = StopReason.END_TOKEN) -> Completion:
    """What a model says, a token a character."""
    return Completion(text, reason, 10, len(text), ord(text[0]) if text else None)


def fill_request(model: LanguageModel, request: Request, seed: int) -> Filled:
    """Return `request` with every owed field written."""
    return model.answer([fill_steps(request, seed)])[0]
