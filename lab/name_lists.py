"""Build the name lists of the pack: python -m lab.name_lists --lists FOLDER --out FILE.

The lists are those of the `tipo-kgen` package: `artist.txt`, `characters.txt`, `copyrights.txt` and
`meta.txt`, one name per line. `--lists` takes their folder, the folder of the unpacked wheel, or
the wheel. The same lists give the same bytes.

Names that are ordinary words are left out: a user who types `ominous` or `morning light` does not
mean an artist.
"""

from __future__ import annotations

import argparse
import sys
import zipfile
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tipo_core.prompt.vocabulary.names import CATEGORIES, NAMES_FILE, pack
from tipo_core.prompt.vocabulary.tags import canonical, hand_category

WORDS_FILE = NAMES_FILE.with_name("ordinary_words.txt")
# A name in several lists gets the first of these categories.
PRECEDENCE = ("meta", "characters", "copyrights", "artist")
# First words of phrases such as ``the forest``, ``at night``, ``in a``.
_ARTICLES = frozenset("a an the this that".split())
_PREPOSITIONS = frozenset("in on at by of from with and or as into".split())


@dataclass(frozen=True)
class Built:
    """The names for the file, and those left out as ordinary words; each with its category."""

    categories: Mapping[str, str]
    left_out: Mapping[str, str]


def read_lists(source: Path) -> dict[str, list[str]]:
    """Return the lines of each list. Raises ValueError if one is missing."""
    if source.is_file():
        try:
            wheel = zipfile.ZipFile(source)
        except zipfile.BadZipFile as error:
            raise ValueError(f"'{source}' is not a wheel: give the wheel or its folder") from error
        with wheel:
            inside = {Path(name).name: name for name in wheel.namelist() if "tag-list/" in name}
            texts = {
                name: wheel.read(inside[f"{name}.txt"]).decode("utf-8")
                for name in CATEGORIES
                if f"{name}.txt" in inside
            }
    else:
        folders = [source, *sorted(source.glob("**/tag-list"))]
        files = {
            name: path
            for name in CATEGORIES
            for folder in reversed(folders)
            if (path := folder / f"{name}.txt").is_file()
        }
        texts = {name: path.read_text("utf-8") for name, path in files.items()}
    missing = [f"{name}.txt" for name in CATEGORIES if name not in texts]
    if missing:
        raise ValueError(f"'{source}' has no {', '.join(missing)}: give the lists of tipo-kgen")
    return {name: texts[name].splitlines() for name in CATEGORIES}


def read_words(path: Path) -> frozenset[str]:
    """Return the ordinary words in a file, and its phrases with blanks for their underscores.

    Words are separated by blanks; `#` starts a comment.
    """
    lines = (line.partition("#")[0] for line in path.read_text("utf-8").splitlines())
    return frozenset(word.replace("_", " ") for line in lines for word in line.split())


def build(lists: Mapping[str, Iterable[str]], words: frozenset[str]) -> Built:
    """Return the names of the lists in canonical form, without ordinary words."""
    kept: dict[str, str] = {}
    left_out: dict[str, str] = {}
    for category in PRECEDENCE:
        for line in lists[category]:
            name = canonical(line).replace("_", " ")
            by_hand = hand_category(name)
            if not name or name in kept or by_hand not in (None, category):
                continue
            (left_out if _is_ordinary(name, category, words) else kept)[name] = category
    return Built(kept, left_out)


def _is_ordinary(name: str, category: str, words: frozenset[str]) -> bool:
    """Return whether the name, typed alone, has an ordinary meaning.

    These are ordinary words, two letters or a short number, an artist's name of ordinary words
    only, and a character's or series' name that reads like ``the forest`` or ``on a leash``. Meta
    tags are never ordinary.
    """
    if category == "meta":
        return False
    if name in words:
        return True
    parts = name.split()
    if len(parts) == 1:
        return _is_short(name) or _is_word(name, words)
    if category != "artist":
        longest = 2 if parts[0] in _ARTICLES else 3 if parts[0] in _PREPOSITIONS else 0
        if len(parts) > longest:
            return False
    return all(len(part) == 1 or _is_word(part, words) for part in parts)


def _is_short(name: str) -> bool:
    """Return whether a name has two letters, or is a number like a year or a size."""
    return (name.isalpha() and len(name) <= 2) or (name.isdigit() and len(name) <= 4)


def _is_word(word: str, words: frozenset[str]) -> bool:
    """Return whether `words` has the word, or the word of which it is a regular form."""
    if word in words:
        return True
    stems = [word[:-1]] if word.endswith("s") else []
    if word.endswith(("ches", "shes", "xes", "oes", "sses")):
        stems.append(word[:-2])
    elif word.endswith("ies"):
        stems.append(f"{word[:-3]}y")
    for end in ("ed", "ing"):
        if word.endswith(end) and len(word) > len(end) + 2:
            stem = word[: -len(end)]
            stems += [stem, f"{stem}e"] + ([stem[:-1]] if stem[-1] == stem[-2] else [])
    return any(len(stem) > 2 and stem in words for stem in stems)


def main() -> int:
    """Read the command line, build the file, print its numbers of names."""
    parser = argparse.ArgumentParser(prog="python -m lab.name_lists", description=__doc__)
    parser.add_argument("--lists", type=Path, required=True, help="folder or wheel of tipo-kgen")
    parser.add_argument("--words", type=Path, default=WORDS_FILE, help="(%(default)s)")
    parser.add_argument("--out", type=Path, default=NAMES_FILE, help="(%(default)s)")
    parser.add_argument("--left-out", type=Path, help="write the names that are ordinary words")
    arguments = parser.parse_args()
    try:
        built = build(read_lists(arguments.lists), read_words(arguments.words))
    except (OSError, ValueError) as error:
        parser.exit(2, f"name lists: {error}\n")
    content = pack(built.categories)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_bytes(content)
    if arguments.left_out:
        lines = [f"{category}\t{name}\n" for name, category in sorted(built.left_out.items())]
        arguments.left_out.write_text("".join(lines), encoding="utf-8")
    kept, left = Counter(built.categories.values()), Counter(built.left_out.values())
    for category in CATEGORIES:
        print(f"{category}: {kept[category]} names, {left[category]} ordinary words left out")
    print(f"{arguments.out}: {len(built.categories)} names, {len(content)} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
