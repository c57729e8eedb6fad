"""From the name in a tag to one file of ComfyUI's list of LoRAs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from pathlib import PurePosixPath

SAFETENSORS = (".safetensors", ".sft")
# The endings that ComfyUI lists; other text after the last point of a name belongs to the name.
_ENDINGS = (*SAFETENSORS, ".pt", ".pt2", ".pth", ".ckpt", ".bin", ".pkl")
_MOST_LISTED = 5


class LoraNames:
    """The files of a folder list, found by the names that people write in tags.

    A name is compared, in this order: the path in the list, the path without its ending, the file
    name without folder and ending, both again without regard to capitals, blanks and underscores,
    and last, for a name of several words, the one path that has all words in it.
    """

    def __init__(self, files: Iterable[str]) -> None:
        self.files = tuple(files)
        self._stages: list[tuple[Callable[[str], str], dict[str, list[str]]]] = []
        for key, read in (
            (_slashed, _slashed),
            (_without_ending, _without_ending),
            (_stem, _slashed),
            (_folded_path, _folded_path),
            (_folded_stem, _folded),
        ):
            found: dict[str, list[str]] = defaultdict(list)
            for file in self.files:
                found[key(file)].append(file)
            self._stages.append((read, found))

    def find(self, name: str) -> str:
        """Return the file of a name, as ComfyUI lists it.

        Raises LookupError for a name without a file, with near names. Raises ValueError for a name
        that several files have, and for a file that is not in the safetensors format.
        """
        for read, found in self._stages:
            if matches := found.get(read(name)):
                return _the_one(name, matches)
        words = _folded(name).split()
        matches = [file for file in self.files if all(word in _folded(file) for word in words)]
        if len(words) > 1 and len(matches) == 1:
            return _the_one(name, matches)
        raise LookupError(self._missing(name))

    def _missing(self, name: str) -> str:
        stems = {_folded_stem(file): file for file in self.files}
        near = get_close_matches(_folded_stem(name)[:100], stems, n=3)
        if near:
            return f"'{name}' (did you mean {_listed([_without_ending(stems[n]) for n in near])}?)"
        return f"'{name}'"


def _the_one(name: str, matches: Sequence[str]) -> str:
    safe = [file for file in matches if file.lower().endswith(SAFETENSORS)]
    if not safe:
        raise ValueError(
            f"LoRA '{matches[0]}' is not in the safetensors format, and other formats can run code "
            "when they are read: convert it, or download it as .safetensors."
        )
    if len(safe) > 1:
        raise ValueError(
            f"LoRA '{name}' has {len(safe)} files: {_listed(safe)}. Write the path in the tag: "
            f"<lora:{_without_ending(safe[0])}:1>."
        )
    return safe[0]


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:_MOST_LISTED])
    return shown + (", ..." if len(names) > _MOST_LISTED else "")


def _slashed(name: str) -> str:
    # Windows lists "folder\\file".
    return name.strip().replace("\\", "/")


def _without_ending(name: str) -> str:
    path = PurePosixPath(_slashed(name))
    return str(path.with_suffix("")) if path.suffix.lower() in _ENDINGS else str(path)


def _stem(name: str) -> str:
    return PurePosixPath(_without_ending(name)).name


def _folded(name: str) -> str:
    return " ".join(_slashed(name).replace("_", " ").casefold().split())


def _folded_path(name: str) -> str:
    return _folded(_without_ending(name))


def _folded_stem(name: str) -> str:
    return _folded(_stem(name))
