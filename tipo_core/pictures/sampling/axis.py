"""One axis of a sweep: a parameter, its values, and their labels in the grid."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ...error_collector import ErrorCollector
from ..listed_files import ListedFiles, without_ending
from .sampler_names import near_sampler, near_scheduler, sampler_of, scheduler_of
from .search_replace import csv_values, shown_text
from .value_lists import (
    NUMBERS,
    Value,
    check_count,
    check_name,
    name_entries,
    parse_values,
    unknown_name,
    value_text,
)

NO_AXIS = "none"
SAMPLER, SCHEDULER = NAMES = ("sampler_name", "scheduler")
CHECKPOINT, VAE, PROMPT_SR = "checkpoint", "vae", "prompt S/R"
PARAMETERS = (
    *("cfg", "denoise", "clip_skip", "steps", *NAMES, "seed"),
    *("lora_strength", PROMPT_SR, CHECKPOINT, VAE),
)
# The VAE of the checkpoint, or the connected one, by A1111's word for it.
AUTOMATIC_VAE = "Automatic"
# A1111 shows a checkpoint with the beginning of its hash: "name.safetensors [1a2b3c4d]".
_HASH = re.compile(r"\s*\[[0-9a-fA-F]+\]\s*\Z")


@dataclass(frozen=True)
class Axis:
    """A parameter and what it sets in each column or row, first to last, each once.

    A sampler such as "DPM++ 2M Karras" sets the scheduler too.
    """

    parameter: str
    settings: tuple[Mapping[str, Value], ...]

    @property
    def parameters(self) -> tuple[str, ...]:
        """Return all parameters that the axis sets."""
        return tuple(dict.fromkeys(name for setting in self.settings for name in setting))

    @property
    def shown_values(self) -> tuple[str, ...]:
        """Return each value as a short text: "4.5", "dpmpp_2m karras"."""
        return tuple(
            " ".join(_shown(name, value) for name, value in setting.items())
            for setting in self.settings
        )

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the label of each column or row: "cfg 4.5"; of Prompt S/R the text alone."""
        if self.parameter == PROMPT_SR:
            return self.shown_values
        return tuple(f"{self.parameter} {value}" for value in self.shown_values)

    @property
    def replacements(self) -> tuple[str, ...]:
        """Return the texts of Prompt S/R, the text to be replaced first; none for another axis."""
        if self.parameter != PROMPT_SR:
            return ()
        return tuple(str(setting[PROMPT_SR]) for setting in self.settings)


def axis_of(
    parameter: str, text: str, values_input: str, names: Mapping[str, Sequence[str]]
) -> tuple[Axis, list[str]]:
    """Return an axis from a list of values, and the labels of values that are listed again.

    Raises ValueError that names `values_input` and each bad entry.
    """
    if parameter in NUMBERS:
        found = [{parameter: v} for v in parse_values(parameter, text, values_input)]
    elif parameter == PROMPT_SR:
        found = [{PROMPT_SR: value} for value in _texts(text, values_input)]
    else:
        found = _named(parameter, text, values_input, names)
    once = {tuple(setting.items()): setting for setting in found}
    axis = Axis(parameter, tuple(once.values()))
    labels = Axis(parameter, tuple(found)).labels
    return axis, [label for label in dict.fromkeys(labels) if labels.count(label) > 1]


def _texts(text: str, values_input: str) -> list[str]:
    try:
        values = csv_values(text.strip())
    except ValueError as error:
        raise ValueError(f"{values_input}: {error}") from error
    if not values or not values[0]:
        raise ValueError(
            f"{values_input} is empty: list the text to be replaced and its replacements, such as "
            "red, green, blue"
        )
    check_count(len(values), values_input)
    return values


def _named(
    parameter: str, text: str, values_input: str, names: Mapping[str, Sequence[str]]
) -> list[dict[str, Value]]:
    """The settings of a list of samplers, schedulers, checkpoints or VAEs."""
    is_file = parameter in (CHECKPOINT, VAE)
    read: Callable[[str, str, Mapping[str, Sequence[str]]], dict[str, Value]]
    read = _file if is_file else _sampling_name
    entries = name_entries(parameter, text, values_input, names.get(parameter, ()))
    errors = ErrorCollector()
    found = []
    for place, entry in enumerate(entries, 1):
        with errors.collect():
            try:
                found.append(read(parameter, entry, names))
            except LookupError:
                where = f"{values_input}, entry {place}"
                if is_file:
                    check_name(entry, parameter, names.get(parameter, ()), where)
                else:
                    raise _unknown_sampling_name(parameter, entry, names, where) from None
    errors.raise_all()
    return found


def _sampling_name(
    parameter: str, entry: str, names: Mapping[str, Sequence[str]]
) -> dict[str, Value]:
    """Read a sampler or scheduler. Raises LookupError for an unknown name."""
    schedulers = names.get(SCHEDULER, ())
    if parameter == SCHEDULER:
        scheduler = scheduler_of(entry, schedulers)
        if not scheduler:
            raise LookupError(entry)
        return {SCHEDULER: scheduler}
    found = sampler_of(entry, names.get(SAMPLER, ()), schedulers)
    if not found:
        raise LookupError(entry)
    sampler, scheduler = found
    return {SAMPLER: sampler, **({SCHEDULER: scheduler} if scheduler else {})}


def _unknown_sampling_name(
    parameter: str, entry: str, names: Mapping[str, Sequence[str]], where: str
) -> ValueError:
    """Return the error for a name that is no sampler or no scheduler, with what it may mean."""
    samplers, schedulers = names.get(SAMPLER, ()), names.get(SCHEDULER, ())
    if parameter == SAMPLER and (scheduler := scheduler_of(entry, schedulers)):
        return ValueError(
            f"{where}: '{entry}' is a scheduler: write it after a sampler, as in 'euler "
            f"{scheduler}', or sweep {SCHEDULER}"
        )
    if parameter == SCHEDULER and (found := sampler_of(entry, samplers, schedulers)):
        return ValueError(
            f"{where}: '{entry}' is a sampler: sweep {SAMPLER}, with values such as "
            f"'{' '.join(filter(None, found))}'"
        )
    is_sampler = parameter == SAMPLER
    close = near_sampler(entry, samplers, schedulers) if is_sampler else None
    return unknown_name(
        entry,
        parameter,
        names.get(parameter, ()),
        where,
        close if is_sampler else near_scheduler(entry, schedulers),
    )


def _file(parameter: str, entry: str, names: Mapping[str, Sequence[str]]) -> dict[str, Value]:
    """Find a file as A1111 does: its name, or else the shortest path that contains the text.

    Without a list of files the entry is the name. Raises LookupError if there is no such file.
    """
    if parameter not in names:
        return {parameter: entry}
    if parameter == VAE and entry.casefold() in ("auto", "automatic", "none"):
        return {VAE: AUTOMATIC_VAE}
    listed = ListedFiles(names.get(parameter, ()))
    for name in dict.fromkeys((entry, _HASH.sub("", entry))):
        if found := listed.matches(name) or listed.containing(name):
            return {parameter: found[0]}
    raise LookupError(entry)


def _shown(name: str, value: Value) -> str:
    if name == PROMPT_SR:
        return shown_text(str(value))
    if name in (CHECKPOINT, VAE):
        kind, colon, path = str(value).rpartition(": ")  # "checkpoint: sd15/style.safetensors"
        return kind + colon + without_ending(path).rpartition("/")[2]
    return value_text(value)
