"""Where and when: adverbials of places, times and weather."""

from __future__ import annotations

from ...prompt.vocabulary.pairs import shipped_pairs
from ...prompt.vocabulary.word_forms import singular_forms
from .noun_phrases import bare, plural, with_article

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
    "rainbow": "under a rainbow", "spotlight": "in a spotlight",
}  # fmt: skip
PLACES = {
    "outdoors": "outdoors", "indoors": "indoors", "beach": "on a beach", "forest": "in a forest",
    "ocean": "by the ocean", "city": "in a city", "street": "on a street", "pool": "at a pool",
    "field": "in a field", "flower field": "in a field of flowers", "garden": "in a garden",
    "classroom": "in a classroom", "bedroom": "in a bedroom", "kitchen": "in a kitchen",
    "library": "in a library", "cafe": "in a cafe", "restaurant": "in a restaurant",
    "shrine": "at a shrine", "church": "in a church", "castle": "at a castle",
    "ruins": "among ruins", "mountain": "near a mountain", "bamboo forest": "in a bamboo forest",
    "desert": "in a desert", "park": "in a park", "balcony": "on a balcony", "space": "in space",
    "underwater": "under water", "rooftop": "on a rooftop", "town": "in a town",
    "road": "on a road",
    "bridge": "on a bridge", "stairs": "on stairs", "on bed": "on a bed", "on chair": "on a chair",
    "on couch": "on a couch", "on floor": "on the floor", "on ground": "on the ground",
    "stage": "on a stage", "train station": "at a train station", "stadium": "in a stadium",
    "office": "in an office", "poolside": "by a pool", "nature": "in nature", "hill": "on a hill",
    "village": "in a village", "cliff": "on a cliff", "pond": "by a pond", "river": "by a river",
    "lake": "by a lake", "graveyard": "in a graveyard", "car interior": "inside a car",
    "sunflower field": "in a field of sunflowers", "path": "on a path", "pavement": "on a pavement",
    "kotatsu": "at a kotatsu", "festival": "at a festival", "bathroom": "in a bathroom",
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
_NO_PLACE_KINDS = frozenset(
    "framing quality medium light background wear hair body face action pose held".split()
)
# Words for the whole setting; they name no place.
NO_PLACES = frozenset(
    """outdoors indoors nature scenery rural urban abandoned real_world_location galaxy future past
    heaven hell paradise dream world
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
     "new york city", "mars surface", "mexico", "brazil",
     "germany", "spain", "canada", "russia", "korea", "turkey", "caribbean", "sweden", "vietnam",
     "thailand", "australia", "europe", "asia", "america", "bavaria", "tuscany"}  # fmt: skip


_LANDMARKS = frozenset(
    ("eiffel tower", "taj mahal", "stonehenge", "great wall of china", "golden gate bridge",
     "milky way", "mount fuji", "mount everest", "statue of liberty", "big ben", "colosseum",
     "himeji castle", "kremlin", "vatican", "petra", "alps", "himalayas", "sahara")
)  # fmt: skip


# Kinds of words that fill the whole picture.
WIDE_KINDS = frozenset(("place", "nature", "weather"))


def kind(tag: str) -> str:
    """Return the kind of a tag, or of its singular, in the pair table; "" for an unknown one."""
    table = shipped_pairs()
    start, _, last = tag.rpartition(" ")
    for form in (last, *singular_forms(last)):
        entry = table.entry(f"{start} {form}".strip())
        if entry is not None:
            return table.kind(entry)
    return ""


def is_named_place(tag: str) -> bool:
    """Return whether a tag is the name of a city or a country."""
    return tag in _NAMED_PLACES or tag in _LANDMARKS


def place_of(tag: str) -> str:
    """Return the adverbial of a place or surface: `on a beach`; "" for other tags."""
    if tag in NO_PLACES:
        return ""
    if tag in PLACES:
        return PLACES[tag]
    preposition, _, thing = tag.partition(" ")
    if preposition in ("on", "in", "at", "under") and thing:
        return f"{preposition} {with_article(thing)}"
    if is_named_place(tag):
        return "" if tag in _LANDMARKS else f"in {tag.title()}"
    of = kind(tag)
    if of in _NO_PLACE_KINDS:
        return ""
    last = tag.rsplit(" ", 1)[-1]
    preposition = _PREPOSITION_OF.get(last, "in" if of == "place" else "")
    if not preposition:
        return ""
    if preposition == "among":
        return f"among {plural(tag)}"
    if last in ("grass", "snow", "sand", "ice", "water", "mud", "moss"):
        return f"{preposition} the {bare(tag)}"
    return f"{preposition} {with_article(bare(tag))}"


def time_of(tag: str) -> str:
    """Return the adverbial of a time, a season, weather or light: `at night`; "" for others."""
    return ADVERBIALS.get(tag, "")
