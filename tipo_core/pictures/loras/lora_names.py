"""From the name in a tag to one file of ComfyUI's list of LoRAs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..listed_files import SAFETENSORS, ListedFiles, without_ending

_MOST_LISTED = 5


class LoraNames:
    """The files of models/loras by the names that people write in tags."""

    def __init__(self, files: Iterable[str]) -> None:
        self._listed = ListedFiles(files)

    def find(self, name: str) -> str:
        """Return the file of a name, as ComfyUI lists it.

        A name is compared as `ListedFiles.matches` says. A name of several words may also be that
        of the one path that has all words in it.
        Raises LookupError for a name without a file, with near names. Raises ValueError for a name
        that several files have, and for a file that is not in the safetensors format.
        """
        if matches := self._listed.matches(name):
            return _the_one(name, matches)
        matches = self._listed.with_words(name)
        if len(name.split()) > 1 and len(matches) == 1:
            return _the_one(name, matches)
        near = self._listed.near(name)
        raise LookupError(f"'{name}'{f' (did you mean {_shown(near)}?)' if near else ''}")


def _the_one(name: str, matches: Sequence[str]) -> str:
    safe = [file for file in matches if file.lower().endswith(SAFETENSORS)]
    if not safe:
        raise ValueError(
            f"LoRA '{matches[0]}' is not in the safetensors format, and other formats can run code "
            "when they are read: convert it, or download it as .safetensors."
        )
    if len(safe) > 1:
        raise ValueError(
            f"LoRA '{name}' has {len(safe)} files: {_shown(safe)}. Write the path in the tag: "
            f"<lora:{without_ending(safe[0])}:1>."
        )
    return safe[0]


def _shown(names: Sequence[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:_MOST_LISTED])
    return shown + (", ..." if len(names) > _MOST_LISTED else "")
