"""A language model with a script."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from tipo_core.expansion.fields import FilledRequest, fill_fields
from tipo_core.expansion.format import Request
from tipo_core.expansion.request import LanguageModel
from tipo_core.lm.generate.completion import (
    Cancelled,
    Completion,
    CompletionRequest,
    Generation,
    Result,
    StopReason,
)


@dataclass
class Scripted:
    """Completes with the next line of its script; keeps the prompts, seeds and options.

    With `flows` the next completion is the rest of a line that was stopped.
    """

    script: Iterable[str]
    flows: bool = False
    prompts: list[str] = field(default_factory=list)
    seeds: list[int] = field(default_factory=list)
    min_new_tokens: list[int] = field(default_factory=list)
    banned_first_ids: list[set[str]] = field(default_factory=list)
    was_cancelled: bool = False

    def __post_init__(self) -> None:
        self._lines = list(self.script)

    def run(self, generations: Sequence[Generation[Result]]) -> list[Result]:
        """Run them one after the other; after a `Cancelled` every request is cancelled."""
        return [self._run(generation) for generation in generations]

    def _run(self, generation: Generation[Result]) -> Result:
        try:
            request = next(generation)
            while True:
                request = generation.send(self._completion(request))
        except StopIteration as done:
            result: Result = done.value
            return result

    def _completion(self, request: CompletionRequest) -> Completion:
        if self.was_cancelled:
            return Completion("", StopReason.CANCELLED, 0, 0)
        self.banned_first_ids.append({chr(token) for token in request.banned_first_ids})
        text = ""

        def should_stop(so_far: str) -> bool:
            nonlocal text
            text = so_far
            return request.should_stop is not None and request.should_stop(so_far)

        try:
            return self.complete(
                request.prompt,
                seed=request.seed,
                on_token=request.on_token,
                should_stop=should_stop,
                min_new_tokens=request.min_new_tokens,
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
        should_stop: Callable[[str], bool] | None = None,
        min_new_tokens: int = 0,
    ) -> Completion:
        """Write the next line, one character at a time, until `should_stop`."""
        self.prompts.append(prompt)
        self.seeds.append(seed)
        self.min_new_tokens.append(min_new_tokens)
        line = self._lines.pop(0) if self._lines else ""
        text = ""
        for character in line:
            text += character
            must_stop = should_stop is not None and should_stop(text)
            if on_token is not None:
                on_token(len(text))
            if must_stop:
                if self.flows and line[len(text) :]:
                    self._lines.insert(0, line[len(text) :])
                return said(text, StopReason.TARGET)
        return said(text)


def said(text: str, reason: StopReason = StopReason.END_TOKEN) -> Completion:
    """The completion `text`; each character is a token."""
    return Completion(text, reason, 10, len(text), ord(text[0]) if text else None)


def fill_request(
    model: LanguageModel, request: Request, seed: int, at_least: bool = True
) -> FilledRequest:
    """Return `request` with every owed field written, by default to its length class."""
    return model.run([fill_fields(request, seed, at_least=at_least)])[0]
