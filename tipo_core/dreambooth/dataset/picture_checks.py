"""What a person should know about pictures before a training: one line for each fault."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from .picture_fitting import FittedPicture
from .picture_likeness import Likeness, like_pairs
from .picture_reading import ReadPicture

FEWEST = 3  # pictures of a subject; the DreamBooth paper uses 3 to 5
_ENLARGED = 1.05  # scale from which a picture counts as too small
_LONGEST = 2.0  # sides of a picture, as a ratio
_CUT = 0.45  # share of a picture that a crop may lose
_STRETCHED = 1.03
_MOST_NAMED = 6


def named(names: Sequence[str]) -> str:
    """Return some names, and the number of the others."""
    shown = ", ".join(names[:_MOST_NAMED])
    rest = len(names) - _MOST_NAMED
    return f"{shown} and {rest} more" if rest > 0 else shown


def count_line(count: int, of_subject: bool) -> list[str]:
    """Return a line if there are too few pictures of a subject."""
    if not of_subject or count >= FEWEST:
        return []
    return [
        f"only {count} picture{'' if count == 1 else 's'}: with fewer than {FEWEST} the model "
        "learns the picture, not the subject; add some with other backgrounds and poses"
    ]


def picture_lines(pictures: Sequence[ReadPicture], fitted: Sequence[FittedPicture]) -> list[str]:
    """Return lines on conversions, enlarged and long pictures, and crops that lose much."""
    lines: list[str] = []
    conversions: dict[str, list[str]] = {}
    for one in pictures:
        for note in one.notes:
            conversions.setdefault(note, []).append(one.name)
    lines += [f"{note}: {named(names)}" for note, names in conversions.items()]
    both = list(zip(pictures, fitted, strict=True))
    small = [
        f"{one.name} ({one.image.width} x {one.image.height}, {fit.scale:.2g} times)"
        for one, fit in both
        if fit.scale >= _ENLARGED
    ]
    if small:
        lines.append(f"smaller than the training, enlarged and soft: {named(small)}")
    cut = [f"{one.name} ({fit.cut:.0%})" for one, fit in both if fit.cut > _CUT]
    if cut:
        lines.append(
            f"the crop loses much of the picture: {named(cut)}; use buckets, or crop it yourself"
        )
    long = [
        f"{one.name} ({_shape(one)})"
        for one, fit in both
        if _ratio(one) > _LONGEST and fit.cut <= _CUT
    ]
    if long:
        lines.append(f"very long or wide: {named(long)}")
    stretched = [
        f"{one.name} ({fit.stretch - 1:.0%})" for one, fit in both if fit.stretch > _STRETCHED
    ]
    if stretched:
        lines.append(f"stretched to its size: {named(stretched)}; choose crop center")
    return lines


def _ratio(picture: ReadPicture) -> float:
    width, height = picture.image.size
    return max(width, height) / min(width, height)


def _shape(picture: ReadPicture) -> str:
    return f"{picture.image.width} x {picture.image.height}"


def likeness_lines(names: Sequence[str], pictures: Sequence[Likeness]) -> list[str]:
    """Return a line for each way in which pictures are alike."""
    by_way: dict[str, list[str]] = {}
    for first, later, way in like_pairs(pictures):
        by_way.setdefault(way, []).append(f"{names[later]} and {names[first]}")
    return [
        f"{way} pictures: {named(pairs)}; each counts, delete one of them"
        for way, pairs in by_way.items()
    ]


def sizes_text(fitted: Sequence[FittedPicture]) -> str:
    """Return the sizes that are trained, the most frequent first."""
    sizes = Counter(one.size for one in fitted)
    return ", ".join(f"{w} x {h} ({n})" for (w, h), n in sizes.most_common())
