"""Decide which names are girls, boys or no persons.

The rules, in this order; a name that none decides stays unknown:

1. the hand list `figures.txt`, and the species of Pokemon;
2. words of the name: `(male)`, `princess`, `-kun`;
3. the series in its qualifier, where nearly all figures are of one kind (hand list);
4. the given name: the last word of a Japanese name, the first word of another.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
import tarfile
import zipfile
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path

from lab.name_lists import WORDS_FILE, build, read_lists, read_words
from tipo_core.prompt.persons.characters import Figure
from tipo_core.prompt.vocabulary.word_tables import entries

HAND_FILE = Path(__file__).with_name("figures.txt")
# A given name decides where one sex has this many times the weight of the other. Most characters
# of the lists are girls, many with a man's name (`suisei`, `kanata`), so a boy needs more.
_GIRL_RATIO, _BOY_RATIO = 12.0, 100.0
_ENDING_RATIO, _BOY_ENDING_RATIO = 20.0, 60.0
# Figures of the player, drawn as either sex.
_EITHER = frozenset(
    "admiral trainer sensei commander producer doctor master teacher player traveler avatar "
    "manager warrior protagonist teitoku shikikan captain saniwa tarnished hunter".split()
)
_GIRL_WORDS = frozenset(
    "girl woman female lady princess queen empress miss mrs mrs. ms. mother sister daughter maid "
    "witch goddess priestess bride nun mama granny grandmother aunt madam madame heroine "
    "countess duchess baroness sorceress waitress actress mermaid onee-san oba-san nee-chan".split()
)
_BOY_WORDS = frozenset(
    "boy man male king prince emperor mr mr. sir lord father brother son gentleman papa "
    "grandfather uncle groom butler oji-san onii-san nii-san".split()
)
# Series that draw men of history as girls.
_RENAMED = frozenset(
    ("fate", "koha-ace", "sengoku collection", "sengoku otome", "oda nobuna no yabou")
)
_KANA_ROWS = {
    "あいうえおかきくけこ": "a i u e o ka ki ku ke ko",
    "さしすせそたちつてと": "sa shi su se so ta chi tsu te to",
    "なにぬねのはひふへほ": "na ni nu ne no ha hi fu he ho",
    "まみむめもやゆよわを": "ma mi mu me mo ya yu yo wa o",
    "らりるれろがぎぐげご": "ra ri ru re ro ga gi gu ge go",
    "ざじずぜぞだぢづでど": "za ji zu ze zo da ji zu de do",
    "ばびぶべぼぱぴぷぺぽ": "ba bi bu be bo pa pi pu pe po",
    "んゔ": "n vu",
}
_KANA = {
    sign: sound
    for signs, sounds in _KANA_ROWS.items()
    for sign, sound in zip(signs, sounds.split(), strict=True)
}
_SMALL = {"ゃ": "ya", "ゅ": "yu", "ょ": "yo"}


def romaji(kana: str) -> str:
    """Return hiragana in the spelling of the name lists, which keeps long vowels (`kyouko`)."""
    out = ""
    double = False
    for sign in kana:
        if sign in _SMALL:
            tail = _SMALL[sign]
            out = out[:-1] + (tail[1:] if out.endswith(("shi", "chi", "ji")) else tail)
            continue
        if sign == "っ":
            double = True
            continue
        sound = _KANA.get(sign, "")
        out += (sound[:1] if double else "") + sound
        double = False
    return out


def given_names(us_names: Path, japanese: Path) -> tuple[dict[str, float], dict[str, float]]:
    """Return the log-odds of girl to boy of Japanese and of other given names."""
    jp: dict[str, list[float]] = defaultdict(lambda: [0.3, 0.3])
    with zipfile.ZipFile(japanese) as wheel:
        for place, sex in enumerate(("woman", "man")):
            path = f"japanese_personal_name_dataset/dataset/first_name_{sex}_org.csv"
            text = wheel.read(path).decode("utf-8")
            for row in csv.reader(io.StringIO(text)):
                jp[romaji(row[0])][place] += len(row) - 2
    us: dict[str, list[float]] = defaultdict(lambda: [0.0005, 0.0005])
    with tarfile.open(us_names) as archive:
        for place, sex in enumerate(("female", "male")):
            member = next(one for one in archive if one.name.endswith(f"dist.{sex}.first"))
            content = archive.extractfile(member)
            for line in content.read().decode().splitlines() if content else ():
                name, share, *_ = line.split()
                us[name.lower()][place] += float(share)
    return (
        {name: math.log(girl / boy) for name, (girl, boy) in jp.items() if name},
        {name: math.log(girl / boy) for name, (girl, boy) in us.items()},
    )


def endings(names: Mapping[str, float]) -> dict[str, float]:
    """Return the log-odds of the last three or two letters of Japanese names."""
    counts: dict[str, Counter[bool]] = defaultdict(Counter)
    for name, odds in names.items():
        if abs(odds) > 1:
            for length in (2, 3, 4):
                if len(name) > length:
                    counts[name[-length:]][odds > 0] += 1
    return {
        ending: math.log((count[True] + 0.3) / (count[False] + 0.3))
        for ending, count in counts.items()
        if count.total() >= 15
    }


class Rules:
    """The rules for one name after the other."""

    def __init__(
        self,
        hand: Mapping[str, list[str]],
        pokemon: frozenset[str],
        japanese: Mapping[str, float],
        others: Mapping[str, float],
        ordinary: frozenset[str],
        use_hand_list: bool = True,
    ) -> None:
        self._exact: dict[str, Figure] = {name: Figure.CREATURE for name in pokemon}
        self._series: dict[str, Figure] = {}
        for figure in Figure:
            for series in hand[f"series {figure.value}"]:
                self._series[series] = figure
            for name in hand[figure.value] if use_hand_list else ():
                self._exact[name] = figure
        self._japanese, self._others = japanese, others
        self._endings = endings(japanese)
        self._ordinary = ordinary

    def figure(self, name: str) -> Figure | None:
        """Return whether a name is a girl, a boy or no person; None where no rule decides."""
        if name in self._exact:
            return self._exact[name]
        plain = re.sub(r" *\([^()]*\)", "", name).strip()
        qualifiers = re.findall(r"\(([^()]*)\)", name)
        alike = {plain, f"{plain} ({qualifiers[-1]})"} if qualifiers else set()
        for one in alike:
            if self._exact.get(one, Figure.CREATURE) is not Figure.CREATURE:
                return self._exact[one]  # `gawr gura (1st costume)`
        if plain in self._exact and qualifiers and self._exact[plain] is Figure.CREATURE:
            return Figure.CREATURE if qualifiers[-1] in ("pokemon", "creature") else None
        words = plain.split()
        if not words:
            return None
        if all(word in self._ordinary for word in words) and not qualifiers:
            return None  # `ice king` in a prompt is not a name
        if not _EITHER.isdisjoint(words):
            return None
        for text in qualifiers:
            if text in ("female", "girl", "woman"):
                return Figure.GIRL
            if text in ("male", "boy", "man"):
                return Figure.BOY
        for text in reversed(qualifiers):
            if text in self._series:
                return self._series[text]
        by_words = self._by_words(words)
        if by_words is not None:
            return by_words
        if not _RENAMED.isdisjoint(qualifiers):
            return None
        if plain.startswith(("unnamed", "unknown")) or len(words) > 3:
            return None
        return self._by_given_name(words, bool(qualifiers))

    def _by_words(self, words: list[str]) -> Figure | None:
        found = set()
        for word in words:
            if word in _GIRL_WORDS or word.endswith("-chan"):
                found.add(Figure.GIRL)
            elif word in _BOY_WORDS:
                found.add(Figure.BOY)
        return found.pop() if len(found) == 1 else None

    def _by_given_name(self, words: list[str], is_qualified: bool) -> Figure | None:
        first, last = words[0], words[-1]
        odds = 0.0
        if len(words) == 1:
            if not is_qualified and first in self._ordinary:
                return None
            one, other = self._japanese.get(first), self._others.get(first)
            if one is None and other is None:
                return None
            if one is not None and other is not None and one * other < 0:
                return None
            odds = sum(score for score in (one, other) if score is not None)
        elif first in self._others and last not in self._japanese:
            odds = self._others[first]
        elif last in self._japanese:
            odds = self._japanese[last]
            if first in self._others and first not in self._japanese:
                odds += self._others[first]
        elif is_japanese(last) and is_japanese(first):
            for length in (4, 3, 2):
                score = self._endings.get(last[-length:])
                if score is not None and len(last) > length:
                    return _decided(score, _ENDING_RATIO, _BOY_ENDING_RATIO)
            return None
        figure = _decided(odds, _GIRL_RATIO, _BOY_RATIO)
        if figure is Figure.BOY and last in self._japanese and first not in self._others:
            ending = self._endings.get(last[-3:], self._endings.get(last[-2:], 0.0))
            return figure if ending < -math.log(_ENDING_RATIO) else None
        return figure


def _decided(odds: float, girl_ratio: float, boy_ratio: float) -> Figure | None:
    """Return the sex of log-odds of girl to boy, None if neither is likely enough."""
    if odds >= math.log(girl_ratio):
        return Figure.GIRL
    return Figure.BOY if odds <= -math.log(boy_ratio) else None


_SYLLABLES = re.compile(r"(?:(?:[kgsztdnhbpmyrwjf]|ky|gy|sh|ch|ts|ny|hy|by|py|my|ry)?[aiueo]|n)+")


def is_japanese(word: str) -> bool:
    """Return whether a word is spelled in Japanese syllables."""
    return len(word) > 2 and _SYLLABLES.fullmatch(word) is not None


def read_hand_list(path: Path) -> dict[str, list[str]]:
    """Return the names of each section of the hand list."""
    found: dict[str, list[str]] = {}
    title = ""
    for line in path.read_text("utf-8").splitlines():
        if line.startswith("["):
            title = line.strip("[] ")
            found[title] = []
        elif line and not line.startswith("#"):
            found[title] += list(entries([line]))
    return found


def read_pokemon(path: Path) -> frozenset[str]:
    """Return the English names of the species."""
    with tarfile.open(path) as archive:
        content = archive.extractfile("package/data/en.json")
        names = json.loads(content.read()) if content else []
    return frozenset(name.lower() for name in names)


def rules_from(us_names: Path, japanese: Path, pokemon: Path, use_hand_list: bool = True) -> Rules:
    """Read the sources: archives of given names, and of the names of species."""
    of_japan, others = given_names(us_names, japanese)
    return Rules(
        read_hand_list(HAND_FILE),
        read_pokemon(pokemon),
        of_japan,
        others,
        read_words(WORDS_FILE),
        use_hand_list,
    )


def build_figures(lists: Path, rules: Rules) -> dict[str, Figure]:
    """Return the figures of the characters in the lists of tipo-kgen."""
    built = build(read_lists(lists), read_words(WORDS_FILE))
    decided = {
        name: rules.figure(name)
        for name, category in built.categories.items()
        if category == "characters"
    }
    return {name: figure for name, figure in decided.items() if figure is not None}
