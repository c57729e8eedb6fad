"""The part of a picture that a general tag describes, and English phrases for the tag.

`captions.py` writes captions from these phrases. `aspect(tag)` classifies a tag by its words; other
functions return its article, number or phrase. All tables are written by hand for this project.
"""

from __future__ import annotations

import re
from enum import Enum
from functools import lru_cache

from .person_words import POSE_VERBS


class Aspect(str, Enum):
    """The part of a picture that a tag describes."""

    COUNT = "count"
    HAIR_COLOR = "hair color"
    HAIR_LENGTH = "hair length"
    HAIR_STYLE = "hair style"
    EYES = "eyes"
    BODY = "body"
    CLOTHES = "clothes"
    EXPRESSION = "expression"
    GAZE = "gaze"
    POSE = "pose"
    HOLDING = "holding"
    ACTION = "action"
    PLACE = "place"
    SKY = "sky"
    BACKGROUND = "background"
    FRAMING = "framing"
    THING = "thing"
    STYLE = "style"
    OTHER = "other"


# Aspects of the tags of a picture without people.
SCENE_ASPECTS = frozenset({Aspect.PLACE, Aspect.SKY, Aspect.THING, Aspect.STYLE, Aspect.BACKGROUND})

COLORS = frozenset(
    """aqua black blonde blue brown green grey orange pink purple red white yellow silver gold
    golden dark light""".split()
)
_COUNTS = re.compile(r"^(?:\d\+?(?:girls?|boys?|others?)|multiple (?:girls|boys|others)|solo)$")
_HAIR_LENGTHS = frozenset(
    ("long hair", "very long hair", "short hair", "medium hair", "very short hair")
)
_HAIR_STYLES = frozenset(
    """twintails ponytail braid ahoge sidelocks bangs drills bun updo undercut dreadlocks afro
    topknot sideburns""".split()
)
_BODY = frozenset(
    """ears tail wings horns halo fang fangs freckles beard mustache stubble mole scar tattoo
    skin antlers claws paws whiskers""".split()
)
_CLOTHES = frozenset(
    """shirt skirt dress jacket coat gloves pants shorts socks boots shoes hat cap hood hoodie cape
    capelet cloak scarf vest sweater cardigan kimono yukata hakama uniform serafuku apron bow
    bowtie necktie ribbon ascot neckerchief belt sash obi armor gauntlets robe shawl suit blazer
    turtleneck blouse sandals loafers sneakers slippers heels kneehighs pajamas beret helmet crown
    tiara headband hairband scrunchie headphones headset glasses eyewear goggles mask eyepatch
    earrings necklace bracelet ring jewelry brooch pendant watch backpack bag handbag earmuffs
    mittens veil overalls jeans tabi geta petticoat tunic poncho raincoat gown
    epaulettes hairclip headdress wristband armband bandana t-shirt haori hanfu sunglasses
    wristwatch choker beanie leggings suspenders pauldrons footwear jumpsuit jersey""".split()
)
_EXPRESSION = frozenset(
    (
        "smile", "grin", "frown", "light smile", "expressionless", "happy", "sad", "angry",
        "serious", "surprised", "scared", "annoyed", "nervous", "shy", "sleepy", "smug", "smirk",
        "pout", "closed eyes", "half-closed eyes", "open mouth", "closed mouth", "parted lips",
        "laughing", "embarrassed", "worried", "confused", "excited", "blush", "one eye closed",
        "wavy mouth", "clenched teeth", "crying", "tears", "furrowed brow", "raised eyebrows",
        "wide-eyed", "light frown", "evil smile", "false smile", "grimace", "flustered",
    )
)  # fmt: skip
_ACTIONS = frozenset(
    """eating drinking reading singing dancing playing cooking sleeping swimming riding talking
    praying aiming carrying pointing reaching stretching painting writing fishing feeding
    shouting yawning hugging laughing cleaning chasing falling jumping flying crying whispering
    cheering waking dreaming fleeing bowing punching kicking""".split()
)
_PLACES = {
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
_SKY = frozenset(
    """sky cloud clouds night day sunset sunrise moon sun star stars rain snow snowing fog
    sunlight moonlight dusk evening morning horizon rainbow sunbeam winter summer autumn
    wind overcast lightning aurora fireworks moonlight starry""".split()
)
_FRAMING = {
    "upper body": "shows the upper body", "full body": "shows the full body",
    "cowboy shot": "is cut off at the knees", "portrait": "is a portrait",
    "close-up": "is a close-up", "from side": "is drawn from the side",
    "from above": "is drawn from above", "from below": "is drawn from below",
    "from behind": "is drawn from behind", "profile": "shows a profile",
    "dutch angle": "is tilted", "wide shot": "is a wide shot",
    "straight-on": "is drawn straight on",
    "depth of field": "has a shallow depth of field", "foreshortening": "uses foreshortening",
    "face": "shows the face", "blurry": "is partly blurry", "multiple views": "has several views",
    "solo focus": "focuses on one person", "lens flare": "has a lens flare",
    "backlighting": "is lit from behind", "very wide shot": "is a very wide shot",
}  # fmt: skip
_STYLES = frozenset(
    (
        "monochrome", "greyscale", "sketch", "chibi", "realistic", "pixel art", "3d",
        "retro artstyle",
        "traditional media", "watercolor", "lineart", "painterly", "limited palette", "spot color",
        "high contrast", "film grain", "fantasy", "science fiction", "cyberpunk", "toon (style)",
        "flat color", "abstract", "horror", "dark", "silhouette", "scenery", "still life",
    )
)  # fmt: skip
_THINGS = frozenset(
    """flower flowers petals tree trees grass leaf leaves plant rose water fire book books cup mug
    teacup teapot bottle glass plate bowl fork spoon knife chopsticks food fruit apple cake bread
    cookie candy chocolate strawberry doughnut ice_cream burger pizza rice egg cheese meat fish
    cat dog bird rabbit bear horse fox wolf butterfly dragon frog snake mouse turtle lion tiger
    elephant cow sheep deer duck penguin owl animal creature table chair bench couch bed desk
    lamp lantern candle window door curtains pillow blanket rug carpet shelf bookshelf mirror
    clock box gift balloon ball umbrella parasol sword staff wand spear shield bow_(weapon)
    guitar piano violin instrument microphone phone smartphone cellphone camera computer laptop
    monitor television car bicycle motorcycle truck bus train airplane aircraft boat ship robot
    mecha building house tower wall fence lamppost sign flag paper pen pencil card map scroll
    teddy_bear doll toy stuffed_animal rock stone crystal gem feather feathers bubble bubbles
    heart star snowman snowflakes pumpkin basket bucket bag suitcase tray vase potted_plant
    sunflower hibiscus lily tulip bouquet mushroom carrot tomato lemon orange banana grapes
    cherry watermelon peach coffee tea juice ketchup noodles ramen sushi soup sandwich kettle
    oven stove sink refrigerator toothbrush scissors hammer key coin ladder rope wheel skateboard
    surfboard snowboard skis kite frisbee baseball tennis basketball volleyball helicopter
    rocket planet galaxy machinery cable railing pillar torii tatami tiles brick swing
    jellyfish whale shark dolphin octopus crab squirrel hamster monkey goat pig chicken hat_rack
    newspaper magazine calendar chalkboard bamboo palm_tree cherry_blossoms vines bush hedge
    branch fountain statue barrel tent lighthouse windmill""".replace("_", " ").split()
)


@lru_cache(maxsize=8192)
def aspect(tag: str) -> Aspect:
    """Return the part of the picture that `tag` (spaces, no underscores) describes."""
    last = tag.rsplit(" ", 1)[-1]
    first = tag.split(" ", 1)[0]
    if _COUNTS.match(tag):
        return Aspect.COUNT
    for table, found in (
        (_HAIR_LENGTHS, Aspect.HAIR_LENGTH),
        (_EXPRESSION, Aspect.EXPRESSION),
        (POSE_VERBS, Aspect.POSE),
        (_PLACES, Aspect.PLACE),
        (_FRAMING, Aspect.FRAMING),
        (_STYLES, Aspect.STYLE),
    ):
        if tag in table:
            return found
    if last == "hair":
        return Aspect.HAIR_COLOR if first in COLORS else Aspect.HAIR_STYLE
    if last == "background":
        return Aspect.BACKGROUND
    if last == "eyes":
        return Aspect.EYES
    if first == "looking":
        return Aspect.GAZE
    if first == "holding" and " " in tag:
        return Aspect.HOLDING
    for words, found in (
        (_HAIR_STYLES, Aspect.HAIR_STYLE),
        (_BODY, Aspect.BODY),
        (_CLOTHES, Aspect.CLOTHES),
        (_SKY, Aspect.SKY),
        (_THINGS, Aspect.THING),
    ):
        if last in words:
            return found
    if first in _ACTIONS:
        return Aspect.ACTION
    return Aspect.OTHER


# A picture of one person has at most one tag of each group.
_ONE_OF = (
    frozenset(("open mouth", "closed mouth", "parted lips")),
    frozenset(("sitting", "standing", "kneeling", "walking", "running", "lying", "squatting")),
    frozenset(("upper body", "full body", "cowboy shot", "portrait", "close-up", "wide shot")),
    frozenset(("indoors", "outdoors")),
    frozenset(("day", "night", "sunset", "sunrise", "evening", "dusk", "morning")),
    frozenset(("smile", "frown", "grin", "expressionless", "light smile", "pout", "smirk")),
    frozenset(("from side", "from above", "from below", "from behind", "straight-on")),
    frozenset(("monochrome", "limited palette", "spot color")),
)
_COLOURED = re.compile(rf"^(?:{'|'.join(sorted(COLORS))}) (\w+)$")


@lru_cache(maxsize=8192)
def exclusive_group(tag: str) -> str:
    """Return the tag's group of mutually exclusive tags (for one person), or ''."""
    found = aspect(tag)
    if found in (Aspect.HAIR_COLOR, Aspect.HAIR_LENGTH, Aspect.GAZE, Aspect.BACKGROUND):
        return str(found.value)
    coloured = _COLOURED.match(tag)
    if coloured:
        return str(coloured.group(1))
    for number, group in enumerate(_ONE_OF):
        if tag in group:
            return f"one of {number}"
    return ""


def place_phrase(tag: str) -> str:
    """Return the adverbial for a place tag: 'beach' -> 'on a beach'."""
    return _PLACES[tag]


_UNCOUNTED = frozenset(
    """hair water fire grass food armor jewelry rice bread coffee tea meat denim machinery
    footwear serafuku hakama sky rain snow eyewear chocolate juice cheese ketchup bamboo
    sunlight moonlight paper skin fog wind stubble lightning night day evening morning dusk sky
    scenery sunrise sunset winter summer autumn starry ice honey iron paint pasta gnocchi sand mud
    moss ivy bamboo smoke steam dust glass metal wood wine beer milk butter cream sugar salt flour
    soup noodles spaghetti sushi tofu seaweed seafood bacon ham beef pork salmon tuna caviar
    clothing underwear furniture luggage hay lava magma sunshine darkness lace leather fur cotton
    silk wool gold silver copper concrete rubble debris graffiti jam yogurt oatmeal porridge
    lettuce spinach cabbage broccoli cauliflower garlic ginger parsley basil mint granola ramen
    popcorn toast curry pottery porcelain ceramic equipment music art foam lightning thunder
    aurora coral wheat corn lumber coal jewelry cutlery tableware cookware software hail frost
    vegetation foliage wildlife cattle livestock poultry traffic""".split()
)
_PLURAL_LAST = frozenset(
    """blossoms pants kneehighs socks glasses leaves noodles people children men women fries
    scissors sheep deer cattle jeans""".split()
)


def with_article(tag: str) -> str:
    """Return `tag` as a noun phrase: 'red bow' -> 'a red bow', 'gloves' -> 'gloves'."""
    last = tag.split(" of ")[0].rsplit(" ", 1)[-1]
    plural = last in _PLURAL_LAST or (last.endswith("s") and not last.endswith(("ss", "us")))
    if plural or last in _UNCOUNTED:
        return tag
    return f"{_article(tag)} {tag}"


def _article(phrase: str) -> str:
    return (
        "an"
        if phrase[0] in "aeiou"
        and not phrase.startswith(("uni", "eu", "one", "uten", "util", "us"))
        else "a"
    )


def is_plural(tag: str) -> bool:
    """Return whether the noun phrase of `tag` takes a plural verb."""
    last = tag.split(" of ")[0].rsplit(" ", 1)[-1]
    return with_article(tag) == tag and last not in _UNCOUNTED


def listed(phrases: list[str]) -> str:
    """Return 'a, b and c'."""
    return phrases[0] if len(phrases) == 1 else f"{', '.join(phrases[:-1])} and {phrases[-1]}"
