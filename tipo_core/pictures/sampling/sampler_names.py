"""Samplers and schedulers by the names of A1111 and Forge, such as "DPM++ 2M Karras"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher, get_close_matches

# A1111's names of schedules that ComfyUI calls by another name.
_SCHEDULERS = {"uniform": "normal", "ddim": "ddimuniform"}
_WORDS = {"a": "ancestral", "ka": "karras"}
# The longest names of schedules, "SGM Uniform" and "DDIM Uniform", have two words.
_MOST_SCHEDULER_WORDS = 2
_LONGEST_NAME = 100  # characters that are compared with the known names
_LEAST_LIKENESS = 0.7  # of 1, by difflib's ratio


def sampler_of(
    name: str, samplers: Sequence[str], schedulers: Sequence[str]
) -> tuple[str, str] | None:
    """Return ComfyUI's sampler, and the scheduler that the name ends in or ""; None if unknown.

    Capitals, blanks, hyphens and underscores do not count, "++" is "pp", and "a" as a word is
    "ancestral". "k_" before a name is left out, as in A1111's short names. A scheduler that has the
    name of a sampler in it, such as "DDIM Uniform", is that sampler with this scheduler.
    """
    if name in samplers:
        return name, ""
    words = _words(name)
    known = {_joined(sampler): sampler for sampler in reversed(samplers)}
    if sampler := known.get("".join(words)):
        return sampler, ""
    named_for = next((word for word in words[:1] if word in known), None)
    if named_for and (scheduler := scheduler_of(name, schedulers)):
        return known[named_for], scheduler
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


def near_sampler(name: str, samplers: Sequence[str], schedulers: Sequence[str]) -> str | None:
    """Return what a misspelt sampler may mean, "dpmpp_2m karras" for "DPM++ 2M Karas", or None."""
    words = _words(re.sub(r"\++", "++", name[:_LONGEST_NAME]))  # "DPM+ 2M" lacks a plus
    known = {_joined(sampler): sampler for sampler in reversed(samplers)}

    def readings() -> Iterator[tuple[str, str]]:
        for count in range(min(_MOST_SCHEDULER_WORDS, len(words) - 1) + 1):
            first, last = words[: len(words) - count], words[len(words) - count :]
            sampler = _nearest("".join(first), known)
            if not count and sampler:
                yield sampler, sampler
            elif sampler and (scheduler := near_scheduler(" ".join(last), schedulers)):
                yield sampler + _joined(scheduler), f"{known[sampler]} {scheduler}"

    found = {joined: known.get(shown, shown) for joined, shown in readings()}
    joined = "".join(words)
    best = max(found, key=lambda one: SequenceMatcher(None, joined, one).ratio(), default=None)
    return found[best] if best else None


def near_scheduler(name: str, schedulers: Sequence[str]) -> str | None:
    """Return what a misspelt scheduler may mean, None for a name like no other."""
    known = {_joined(scheduler): scheduler for scheduler in reversed(schedulers)}
    known |= {alias: known[one] for alias, one in _SCHEDULERS.items() if one in known}
    joined = _joined(name[:_LONGEST_NAME])
    found = joined if joined in known else _nearest(joined, known)
    return known[found] if found else None


def _nearest(joined: str, known: Mapping[str, str]) -> str | None:
    return next(iter(get_close_matches(joined, known, n=1, cutoff=_LEAST_LIKENESS)), None)


def _words(name: str) -> list[str]:
    words = name.casefold().replace("++", "pp").replace("-", " ").replace("_", " ").split()
    if len(words) > 1 and words[0] == "k":
        del words[0]
    return [_WORDS.get(word, word) for word in words]


def _joined(name: str) -> str:
    return "".join(_words(name))
