"""The part of a picture that a general tag describes.

`aspect(tag)` classifies a tag by its words. All tables are written by hand for this project.
"""

from __future__ import annotations

import re
from enum import Enum
from functools import lru_cache

from .person_words import POSE_VERBS
from .places import PLACES


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
        (PLACES, Aspect.PLACE),
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
