"""Where and when: adverbials of places, times and weather, and the plurals of nouns."""

from __future__ import annotations

import re

from .sample_subject import kind
from .wording import place_phrase, with_article

ADVERBIALS = {
    "night": "at night", "day": "on a clear day", "sunset": "at sunset", "sunrise": "at sunrise",
    "dusk": "at dusk", "dawn": "at dawn", "evening": "in the evening", "twilight": "at twilight",
    "morning": "in the morning", "winter": "in winter", "summer": "in summer", "noon": "at noon",
    "autumn": "in autumn", "spring (season)": "in spring", "midnight": "at midnight",
    "golden hour": "in the golden hour", "starry sky": "under a starry sky",
    "blue sky": "under a blue sky", "cloudy sky": "under a cloudy sky",
    "night sky": "under the night sky", "orange sky": "under an orange sky",
    "full moon": "under a full moon", "moonlight": "in the moonlight",
    "sunlight": "in the sunlight", "fog": "in the fog", "rain": "in the rain",
    "snowing": "in falling snow", "wind": "in the wind", "storm": "in a storm",
    "dark clouds": "under dark clouds", "neon lights": "in the glow of neon lights",
    "dappled sunlight": "in dappled sunlight", "blizzard": "in a blizzard",
    "snow": "in the snow", "sunny day": "on a sunny day", "aurora": "under an aurora",
    "rainbow": "under a rainbow", "spotlight": "in a spotlight", "smoke": "in the smoke",
}  # fmt: skip
_PREPOSITIONS = {
    "on": """beach street road bridge rooftop balcony hill path stage pavement branch rock ice sand
        table desk shelf windowsill chair couch bed rug blanket cushion plate floor cobblestone
        tablecloth farm island sidewalk crosswalk stairs rocks tray throne bench porch terrace
        countertop counter leaf deck dock pier track shore coast planet highway""",
    "by": """lake river ocean sea pond window fireplace pool poolside harbor waterfall lighthouse
        canal stream bay""",
    "at": """station airport shrine festival market zoo stadium bus_stop concert school carnival
        circus""",
    "among": "tree flower bush leaf ruins skyscraper wildflower plant vegetable reeds",
    "near": "mountain cliff volcano castle tower pyramid building house",
    "in": """tree_trunk grass snow water meadow field forest""",
}
_PREPOSITION_OF = {
    word.replace("_", " "): preposition
    for preposition, words in _PREPOSITIONS.items()
    for word in words.split()
}
# Words for the whole setting; they name no place.
NO_PLACES = frozenset(
    """outdoors indoors nature scenery rural urban abandoned real_world_location galaxy
    neon_lights""".replace("_", " ").split()
) | {"real world location", "neon lights"}
# Cities and countries in the pair table, which take no article.
_NAMED_PLACES = frozenset(
    """tokyo madrid sydney paris london rome venice moscow berlin amsterdam dubai istanbul kyoto
    shanghai chicago egypt greece japan china italy france england mars hawaii iceland
    switzerland norway scotland ireland india africa antarctica santorini manhattan brooklyn
    kremlin prague vienna barcelona lisbon delhi mumbai singapore seoul beijing osaka jupiter
    saturn venus neptune uranus baghdad jerusalem milan vatican hollywood florence budapest
    athens cairo havana petra""".split()
) | {"new york", "hong kong", "san francisco", "los angeles", "las vegas", "neo tokyo",
     "new york city", "mars surface"}  # fmt: skip


def is_named_place(tag: str) -> bool:
    """Return whether a tag is the name of a city or a country."""
    return tag in _NAMED_PLACES


def place_of(tag: str) -> str:
    """Return the adverbial of a place or surface: `on a beach`; "" for other tags."""
    if tag in NO_PLACES:
        return ""
    try:
        return place_phrase(tag)
    except KeyError:
        pass
    last = tag.rsplit(" ", 1)[-1]
    preposition = _PREPOSITION_OF.get(last, "in" if kind(tag) == "place" else "")
    if not preposition:
        return ""
    if preposition == "among":
        return f"among {plural(tag)}"
    if last in ("grass", "snow", "sand", "ice", "water", "mud", "moss"):
        return f"{preposition} the {bare(tag)}"
    return f"{preposition} {with_article(bare(tag))}"


def plural(tag: str) -> str:
    """Return the plural of a noun phrase."""
    if tag.endswith("s") or with_article(tag) == tag:
        return tag
    if tag.endswith("leaf"):
        return f"{tag[:-1]}ves"
    if tag.endswith(("sh", "ch", "x")):
        return f"{tag}es"
    return f"{tag[:-1]}ies" if re.search("[^aeiou]y$", tag) else f"{tag}s"


def time_of(tag: str) -> str:
    """Return the adverbial of a time, a season, weather or light: `at night`; "" for others."""
    return ADVERBIALS.get(tag, "")


def bare(tag: str) -> str:
    """Return a tag without the note in parentheses: `star (sky)` as `star`."""
    return re.sub(r" \(.*\)$", "", tag)
