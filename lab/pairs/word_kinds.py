"""The kind of an entry: by hand, by the words of a tag, or by a noun's class in WordNet."""

from __future__ import annotations

import re
from collections.abc import Mapping

_WEAR = frozenset(
    """dress skirt shirt jacket coat hat cap gloves glove boots boot shoes shoe socks sock scarf
    ribbon bow bowtie necktie tie uniform kimono yukata apron hood hoodie sweater vest cape cloak
    armor helmet pants shorts jeans collar choker necklace earrings earring ring bracelet glasses
    sunglasses eyewear goggles mask hairband hairclip headband headdress headwear headphones crown
    tiara veil belt sash obi buttons button zipper sleeves sleeve sleeveless neckwear footwear
    legwear kneehighs loafers sneakers sandals slippers heels geta zouri tabi suit blazer cardigan
    jumpsuit overalls robe gown beanie ushanka deerstalker serafuku
    gakuran hakama haori frills lace pockets pocket epaulettes
    gauntlets pauldrons brooch beret bonnet hairpin ornament ornaments scrunchie wristband
    armband armlet anklet bangle earmuffs mittens clothes costume outfit backpack bag cuffs
    turtleneck camisole tunic corsage sportswear raincoat pajamas waistcoat fur-trimmed trim
    petticoat buckle tassel badge pendant lipstick makeup eyeshadow eyeliner nails polish
    bandages bandaid eyepatch earphones suspenders pinafore capelet poncho shawl stole
    sweatshirt tracksuit leggings bandana fedora turban visor plugsuit spacesuit tuxedo""".split()
)
_HAIR = frozenset(
    "hair bangs ponytail twintails braid braids braided sidelocks ahoge bun hime drill drills "
    "hairstyle updo bob pigtails mohawk afro curls ringlets".split()
)
_FACE = frozenset(
    "eyes eye eyelashes eyebrows mouth smile blush tongue teeth lips nose freckles mole tears "
    "expression face grin fang frown pupils beard mustache facial sideburns stubble wink "
    "expressionless pout smirk crying laughing".split()
)
_BODY = frozenset(
    "ears ear tail wings wing horns horn skin muscular arm arms leg legs hand hands finger fingers "
    "feet toes shoulder shoulders neck body back height abs scar tattoo".split()
)
_POSES = frozenset(
    "sitting standing kneeling lying leaning squatting walking running jumping looking facing "
    "crossed stance pose v salute arms hands hand-on head-tilt tilt outstretched".split()
)
_WORDNET = {
    "animal": "animal", "plant": "plant", "food": "food", "artifact": "thing",
    "place": "place", "object": "nature", "phenomenon": "weather",
}  # fmt: skip
# Classes of artifacts that one is in, with WordNet's word for them.
_PLACES = frozenset(
    "building structure room house area facility way road passageway establishment shop".split()
)


def word_kind(
    name: str,
    by_hand: Mapping[str, str],
    is_thing: bool | None,
    classes: Mapping[str, tuple[str, tuple[str, ...]]],
) -> str:
    """Return the kind of an entry.

    `is_thing` is the mark of a tag list, None for a noun of captions. `classes` maps a noun to its
    WordNet class and the words above it.
    """
    if name in by_hand:
        return by_hand[name]
    plain = re.sub(r" \(.*\)$", "", name)
    words = plain.split()
    last = words[-1] if words else ""
    if is_thing is None and last in _WEAR:
        return "wear"
    if is_thing is not None:
        if words[0] == "holding" or (" in " in plain and words[0] == "hand"):
            return "held"
        if _HAIR & set(words) and last != "ornament":
            return "hair"
        if last in _WEAR or (_WEAR & set(words) and not is_thing):
            return "wear"
        if last in _FACE:
            return "face"
        if last in _BODY:
            return "body"
        if _POSES & set(words):
            return "pose"
        if not is_thing:
            return "other"
        if last.endswith("background") or last == "border":
            return "background"
    found = classes.get(name) or classes.get(plain) or classes.get(last)
    if found is None:
        return "thing" if is_thing else "other"
    kind, above = found
    if kind == "artifact" and last in _WEAR:
        return "wear"
    if kind == "artifact" and _PLACES & set(above):
        return "place"
    return _WORDNET[kind]
