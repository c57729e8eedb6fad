"""Samplers and schedulers by the names of A1111 and Forge, such as "DPM++ 2M Karras"."""

from __future__ import annotations

from collections.abc import Sequence

# A1111's names of schedules that ComfyUI calls by another name.
_SCHEDULERS = {"uniform": "normal", "ddim": "ddimuniform"}
_WORDS = {"a": "ancestral", "ka": "karras"}
# The longest names of schedules, "SGM Uniform" and "DDIM Uniform", have two words.
_MOST_SCHEDULER_WORDS = 2


def sampler_of(
    name: str, samplers: Sequence[str], schedulers: Sequence[str]
) -> tuple[str, str] | None:
    """Return ComfyUI's sampler, and the scheduler that the name ends in or ""; None if unknown.

    Capitals, blanks, hyphens and underscores do not count, "++" is "pp", and "a" as a word is
    "ancestral". "k_" before a name is left out, as in A1111's short names.
    """
    if name in samplers:
        return name, ""
    words = _words(name)
    known = {_joined(sampler): sampler for sampler in reversed(samplers)}
    if sampler := known.get("".join(words)):
        return sampler, ""
    for count in range(1, min(_MOST_SCHEDULER_WORDS, len(words) - 1) + 1):
        sampler = known.get("".join(words[:-count]))
        scheduler = scheduler_of(" ".join(words[-count:]), schedulers)
        if sampler and scheduler:
            return sampler, scheduler
    return None


def scheduler_of(name: str, schedulers: Sequence[str]) -> str | None:
    """Return ComfyUI's scheduler of a name; None if it is unknown."""
    if name in schedulers:
        return name
    joined = _joined(name)
    known = {_joined(scheduler): scheduler for scheduler in reversed(schedulers)}
    return known.get(joined) or known.get(_SCHEDULERS.get(joined, ""))


def _words(name: str) -> list[str]:
    words = name.casefold().replace("++", "pp").replace("-", " ").replace("_", " ").split()
    if len(words) > 1 and words[0] == "k":
        del words[0]
    return [_WORDS.get(word, word) for word in words]


def _joined(name: str) -> str:
    return "".join(_words(name))
