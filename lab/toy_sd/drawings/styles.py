"""The styles that toy-sd draws, and the words for their parts.

The drawings are styles of `dicebear-styles` (all CC0 1.0). A part has several choices; each choice
has a word for the prompt, and options of `dicebear-core`. Only parts that are visible at 64 pixels,
the size of the reader's input, have words; other parts are random or left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Options = Mapping[str, str | int | list[str]]


@dataclass(frozen=True)
class Part:
    """One named part: `choices` maps each word of a prompt to the options that draw it.

    `tag` is the tag for a word, `phrase` its phrase in a caption; with `before`, the phrase
    precedes the noun.
    """

    name: str
    choices: Mapping[str, Options]
    tag: str = "{}"
    phrase: str = "{}"
    before: bool = False


@dataclass(frozen=True)
class Style:
    """A style: its word in a prompt, the `fixed` options of all drawings, and its parts.

    Some pairs of choices of the two `crossed` parts are held out: see `drawings.held_out`. The
    components in `bolder` get more contrast than the style has, to be visible at 64 pixels.
    """

    name: str
    fixed: Options
    parts: tuple[Part, ...]
    crossed: tuple[str, str]
    bolder: tuple[str, ...] = ()

    def part(self, name: str) -> Part:
        """Return the part of a name. Raises KeyError for an unknown name."""
        for part in self.parts:
            if part.name == name:
                return part
        raise KeyError(f"{self.name} has no part {name!r}")


def _colours(words: Mapping[str, str], *targets: str) -> dict[str, Options]:
    """Return choices of one colour for some targets of a style."""
    return {word: {f"{to}Color": [value] for to in targets} for word, value in words.items()}


def _shaded(words: Mapping[str, tuple[str, str]], first: str, second: str) -> dict[str, Options]:
    """Return choices of two shades of a colour."""
    return {
        word: {f"{first}Color": [shades[0]], f"{second}Color": [shades[1]]}
        for word, shades in words.items()
    }


def _variants(component: str, **words: str) -> dict[str, Options]:
    """Return choices of a component's variants; an underscore in a word is a space."""
    return {
        word.replace("_", " "): {f"{component}Variant": variant, f"{component}Probability": 100}
        for word, variant in words.items()
    }


def _without(word: str, component: str) -> dict[str, Options]:
    return {word: {f"{component}Probability": 0}}


def _coloured(
    component: str, target: str, colours: Mapping[str, str], **words: str
) -> dict[str, Options]:
    """Return choices that are a colour and a variant in one, such as "red tulip"."""
    return {
        f"{colour} {word}": {**options, f"{target}Color": [value]}
        for word, options in _variants(component, **words).items()
        for colour, value in colours.items()
    }


_BODY = {
    "blue": "#7dd3fc", "purple": "#a78bfa", "pink": "#f9a8d4", "red": "#f87171",
    "orange": "#fb923c", "yellow": "#fcd34d", "green": "#86d957", "white": "#f1f5f9",
}  # fmt: skip
_BACKGROUND = {
    "blue": "#1d4ed8", "purple": "#6d28d9", "pink": "#be185d", "orange": "#c2410c",
    "green": "#047857", "black": "#1e293b",
}  # fmt: skip
_FAR = {
    "green": ("#b0d2b0", "#84ae85"), "blue": ("#a8cde8", "#76a5c6"),
    "brown": ("#d9bfa6", "#b08a66"), "yellow": ("#ecdf98", "#d9c25a"),
    "pink": ("#f0c0c4", "#d98f98"), "purple": ("#cfc0e6", "#a68fcc"),
}  # fmt: skip
_NEAR = {
    "green": ("#508659", "#2c5837"), "blue": ("#507ca1", "#30506f"),
    "brown": ("#875a3a", "#5a3a24"), "yellow": ("#c09a1c", "#94750f"),
    "red": ("#b04a42", "#7c2f2c"), "purple": ("#755a9e", "#4d3a70"),
}  # fmt: skip

LANDSCAPE = Style(
    "landscape",
    {},
    (
        Part(
            "sun",
            {
                **_coloured(
                    "orb", "orb", {"yellow": "#f2c41a", "red": "#ee4b3a", "white": "#ffffff"},
                    sun="sun", ring_sun="ring",
                ),
                **_without("no sun", "orb"),
            },
            phrase="a {}",
        ),
        Part(
            "sky",
            _colours(
                {"blue": "#8fd0f7", "pink": "#f9b9c6", "orange": "#fbc07a", "purple": "#b9a5ee",
                 "dark": "#25305c"},
                "background",
            ),
            tag="{} sky", phrase="a {} sky",
        ),
        Part("hills", _shaded(_FAR, "hill1", "hill2"), tag="{} hills", phrase="{} hills"),
        Part("field", _shaded(_NEAR, "hill3", "hill4"), tag="{} field", phrase="a {} field"),
    ),
    crossed=("sky", "field"),
)  # fmt: skip

_FACE = {
    "two_eyes": "round", "dot_eyes": "dots", "happy_eyes": "happy", "angry_eyes": "angry",
    "sleepy_eyes": "sleepy", "wink": "wink",
}  # fmt: skip

CRITTER = Style(
    "critter",
    {"patternProbability": 0, "cheeksProbability": 0},
    (
        Part("colour", _colours(_BODY, "body"), before=True),
        Part(
            "body",
            _variants(
                "body", round="dome", square="block", tall="tower", wide="squat", pointed="bell"
            ),
            tag="{} body", before=True,
        ),
        Part(
            "top",
            {
                **_variants(
                    "top", horns="horns", spike="spike", antennae="antennae", cat_ears="earsPointy",
                    round_ears="earsRound", crown="crown", leaf="sprout",
                ),
                **_without("bare head", "top"),
            },
            phrase="a {}",
        ),
        Part("eyes", _variants("eyes", **_FACE, one_eye="mono", three_eyes="trio"), phrase="a {}"),
        Part(
            "mouth",
            _variants(
                "mouth", smile="smile", laugh="laugh", frown="frown", teeth="teeth",
                zigzag_mouth="zigzag", round_mouth="ooh", flat_mouth="line",
            ),
            phrase="a {}",
        ),
        Part(
            "background", _colours(_BACKGROUND, "background"),
            tag="{} background", phrase="a {} background",
        ),
    ),
    crossed=("colour", "top"),
)  # fmt: skip

SPROUT = Style(
    "potted plant",
    {"patternProbability": 0, "cheeksProbability": 0, "plantColor": ["#22c55e"]},
    (
        Part(
            "plant",
            {
                **_variants(
                    "plant", cactus="cactus", bush="bush", palm="palm", grass="succulent",
                    leaf="seedling",
                ),
                **_coloured(
                    "plant", "bloom", {"pink": "#f9a8d4", "red": "#ef4444", "yellow": "#fde047"},
                    flower="flower", tulip="tulip",
                ),
            },
            phrase="a {}",
        ),
        Part("colour", _colours(_BODY, "pot"), tag="{} pot", phrase="a {} pot"),
        Part(
            "shape",
            _variants("pot", round="round", square="cylinder", flared="tub"),
            tag="{} shape", before=True,
        ),
        Part("eyes", _variants("eyes", **_FACE), phrase="a {}"),
        Part(
            "mouth",
            _variants(
                "mouth", smile="smile", laugh="grin", frown="frown", flat_mouth="line",
                round_mouth="ooh",
            ),
            phrase="a {}",
        ),
        Part(
            "background", _colours(_BACKGROUND, "background"),
            tag="{} background", phrase="a {} background",
        ),
    ),
    crossed=("plant", "colour"),
)  # fmt: skip

# Stars have no word, and look like moons at 64 pixels.
_STARLESS = {f"star{number}Probability": 0 for number in ("", *(f"{n:02}" for n in range(2, 13)))}

PLANET = Style(
    "planet",
    {"backgroundColor": ["#17233f"], "shadeVariant": "soft", **_STARLESS},
    (
        Part(
            "colour",
            _colours(
                {"red": "#e2554a", "orange": "#e0893a", "yellow": "#d6b72c", "green": "#5fb35a",
                 "blue": "#3f93e6", "purple": "#9a7ae8", "pink": "#e87ab8", "white": "#dfe3ea"},
                "planet",
            ),
            before=True,
        ),
        Part(
            "surface",
            {
                **_variants(
                    "surface", striped="banded", cratered="cratered", cracked="cracked",
                    cloudy="terra",
                ),
                **_without("smooth", "surface"),
            },
            before=True,
        ),
        Part(
            "ring",
            {
                **_variants("ring", thin_ring="thin", wide_ring="bold"),
                **_without("no ring", "ring"),
            },
            phrase="a {}",
        ),
        Part(
            "moons",
            {**_variants("moons", one_moon="one", two_moons="two"), **_without("no moon", "moons")},
            phrase="a {}",
        ),
    ),
    crossed=("colour", "surface"),
    bolder=("surface",),
)  # fmt: skip

# Words without an article, besides counted ones such as "three eyes".
NO_ARTICLE = frozenset(("horns", "antennae", "cat ears", "round ears", "teeth", "grass"))

# The file of dicebear-styles for each style.
FILES = {"landscape": "landscape", "critter": "critters", "potted plant": "sprouts",
         "planet": "planets"}  # fmt: skip
STYLES = {style.name: style for style in (LANDSCAPE, CRITTER, SPROUT, PLANET)}
