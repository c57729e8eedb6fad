"""Words that the tags of a prompt share: a new tag must say more than the tags before it."""

from __future__ import annotations

_LINKS = frozenset("on in at with of under over by against to".split())
# One of these is enough.
_BLUR = frozenset(
    ("blurry", "blurry background", "blurry foreground", "depth of field", "bokeh", "motion blur")
)
# Last words that several tags of one prompt may share.
_SHARED_WORDS = frozenset("hair eyes sleeves background sky theme".split())


class WordRepeats:
    """The words of a prompt's tags: a new tag must say more than the tags before it.

    `apron` after `white apron` says nothing, and neither `waist apron` nor a second `holding ...`
    belongs to it. A typed tag may be refined: `witch hat` after `hat`.
    """

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._within: set[str] = set()  # the parts of all tags
        self._last: set[str] = set()
        self._is_holding = False

    def add(self, name: str, *, is_typed: bool = False) -> None:
        """Add a tag in its canonical spelling."""
        words = name.split()
        self._names.add(name)
        self._within.update(words, (" ".join(words[1:]), " ".join(words[:-1])))
        self._is_holding |= words[:1] == ["holding"]
        if not is_typed and words:
            self._last.add(words[-1])

    def repeats(self, name: str) -> bool:
        """Return whether a tag says too little that is new."""
        words = name.split()
        # `standing on one leg` after `standing` changes what was said.
        heads = (" ".join(words[:end]) for end in range(1, len(words)) if words[end] in _LINKS)
        if any(head in self._names for head in heads):
            return True
        if name in _BLUR and not self._names.isdisjoint(_BLUR):
            return True
        if name in self._within or (self._is_holding and words[:1] == ["holding"]):
            return True
        return bool(words) and words[-1] in self._last - _SHARED_WORDS
