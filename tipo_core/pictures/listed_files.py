"""Files of a folder list of ComfyUI, found by the names that people write."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from pathlib import PurePosixPath

SAFETENSORS = (".safetensors", ".sft")
# The endings of model files; other text after the last point of a name belongs to the name.
_ENDINGS = (*SAFETENSORS, ".pt", ".pt2", ".pth", ".ckpt", ".bin", ".pkl")


class ListedFiles:
    """The names of a folder list, such as "sd15/style.safetensors"."""

    def __init__(self, files: Iterable[str]) -> None:
        self.files = tuple(files)
        self._stages: list[tuple[Callable[[str], str], dict[str, list[str]]]] = []
        for key, read in (
            (_slashed, _slashed),
            (without_ending, without_ending),
            (_stem, _slashed),
            (_folded_path, _folded_path),
            (_folded_stem, folded),
        ):
            found: dict[str, list[str]] = defaultdict(list)
            for file in self.files:
                found[key(file)].append(file)
            self._stages.append((read, found))

    def matches(self, name: str) -> list[str]:
        """Return the files of a name, as listed; several if the name is ambiguous.

        The first of these that fits counts: the path, the path without its ending, the file name
        without folder and ending, and both again without regard to capitals, blanks and
        underscores.
        """
        for read, found in self._stages:
            if matches := found.get(read(name)):
                return list(matches)
        return []

    def with_words(self, name: str) -> list[str]:
        """Return the files with all words of the name in their path."""
        words = folded(name).split()
        return [file for file in self.files if all(word in folded(file) for word in words)]

    def containing(self, name: str) -> list[str]:
        """Return the files with the name in their path, the shortest path first."""
        part = _slashed(name).casefold()
        return sorted((f for f in self.files if part in _slashed(f).casefold()), key=len)

    def near(self, name: str) -> list[str]:
        """Return at most three files with similar names, without their endings."""
        stems = {_folded_stem(file): file for file in self.files}
        found = get_close_matches(_folded_stem(name)[:100], stems, n=3)
        return [without_ending(stems[stem]) for stem in found]


def without_ending(name: str) -> str:
    """Return a listed path without the ending of a model file, with slashes."""
    path = PurePosixPath(_slashed(name))
    return str(path.with_suffix("")) if path.suffix.lower() in _ENDINGS else str(path)


def folded(name: str) -> str:
    """Return a path with small letters, and blanks for underscores."""
    return " ".join(_slashed(name).replace("_", " ").casefold().split())


def _slashed(name: str) -> str:
    # Windows lists "folder\\file".
    return name.strip().replace("\\", "/")


def _stem(name: str) -> str:
    return PurePosixPath(without_ending(name)).name


def _folded_path(name: str) -> str:
    return folded(without_ending(name))


def _folded_stem(name: str) -> str:
    return folded(_stem(name))
