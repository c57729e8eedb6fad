"""How tokens are drawn. Without torch, so that the command line shows its help at once."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SamplingOptions:
    """How tokens are drawn. The defaults are those of TIPO's authors.

    `temperature` 0 takes the likeliest token. `top_p` 1, `min_p` 0 and `top_k` 0 switch a filter
    off. `repetition_penalty` 1 is no penalty (Keskar et al. 2019). A value out of its range, or not
    a number, is a ValueError that names the range.
    """

    temperature: float = 0.5
    top_p: float = 0.95
    min_p: float = 0.05
    top_k: int = 80
    repetition_penalty: float = 1.17
    max_new_tokens: int = 512

    def __post_init__(self) -> None:
        for name, low, high in (
            ("temperature", 0.0, 10.0),
            ("top_p", 0.0, 1.0),
            ("min_p", 0.0, 1.0),
            ("top_k", 0, 10**9),
            ("repetition_penalty", 0.1, 10.0),
            ("max_new_tokens", 1, 10**6),
        ):
            value = getattr(self, name)
            kinds = int if isinstance(low, int) else (int, float)
            if not isinstance(value, kinds) or not low <= value <= high:
                kind = "an integer" if isinstance(low, int) else "a value"
                raise ValueError(f"{name} is {value!r}: choose {kind} from {low} to {high}")
