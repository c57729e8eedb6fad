"""Exclusive slots: the table, and pairs of tags that do and do not exclude each other."""

from __future__ import annotations

import itertools

import pytest

from tipo_core.prompt.vocabulary.slots import PromptSlots, contradicting_slot, slot_table
from tipo_core.prompt.vocabulary.tags import canonical

# Written by hand before the table was tried on them. Counted pairs moved one of them later:
# `starry sky` goes with `sunset`.
EXCLUSIVE = """
black hair / blonde hair; long hair / short hair; very long hair / very short hair; bald / red hair
blue eyes / red eyes; closed eyes / green eyes; closed eyes / looking at viewer
heterochromia / closed eyes; wide-eyed / closed eyes; twintails / ponytail; silver hair / brown hair
night / day; night / blue sky; starry sky / day; full moon / day; sunrise / night; sunset / noon
moonlight / sunlight; night sky / blue sky; midnight / sunny day
indoors / outdoors; bedroom / forest; library / beach; classroom / outdoors; forest / indoors
street / bedroom; kitchen / meadow; underwater / desert; space / forest; space / blue sky
subway station / ocean; desert / forest; iceberg / palm tree
library / horizon; white background / blue sky; simple background / night; city / indoors
simple background / forest; white background / bedroom; white background / black background
grey background / city; transparent background / beach; simple background / scenery
close-up / full body; portrait / full body; upper body / full body; cowboy shot / close-up
from above / from below; from behind / looking at viewer; from behind / facing viewer
sitting / standing; lying / standing; kneeling / running; sitting / walking
swimming / sitting on chair
summer / winter; autumn leaves / snow; cherry blossoms / snowing; autumn / spring (season)
clear sky / rain; overcast / blue sky; rain / blue sky; snowing / rain; sunny / storm
open mouth / closed mouth; parted lips / closed mouth; grin / closed mouth
smile / frown; expressionless / smile; smile / angry
oil painting / photo; watercolor / photograph; pixel art / oil painting; 3d / sketch
monochrome / blonde hair; greyscale / colorful; monochrome / blue eyes; black and white / rainbow
barefoot / boots; barefoot / sneakers; sandals / boots
black dress / white dress; red scarf / blue scarf; white gloves / black gloves
pink skirt / green skirt
suit / dress; kimono / suit; spacesuit / school uniform; armor / pajamas
skirt / pants; long sleeves / sleeveless; short sleeves / long sleeves
old man / child; solo / crowd; solo / holding hands; black cat / white cat; blue sky / red sky
sewer / outdoors; laundry room / meadow; temple interior / forest; inside a church / beach
subdued color palette / colorful; muted colors / vivid colors; high key / dark; brightly lit / dark
skull mask / beard; gas mask / smile; close-up / full body; close-up / standing in a studio
close-up / aerial view; sleeping / blue eyes; asleep / looking at viewer; scared / smile
laughing / closed mouth; upper body / boots; portrait / kneehighs; portrait / armored boots
silk robe / white dress; cloak / cape; cardigan / blazer; serafuku / blazer; necktie / bowtie
city lights / blue sky; yellow coat / black coat
long_hair / short_hair; Black Hair / BLONDE HAIR; long blonde hair / black hair
""".replace("\n", ";")
COMPATIBLE = """
black hair / long hair; black hair / multicolored hair; blonde hair / two-tone hair
brown hair / streaked hair; black hair / gradient hair; blonde hair / brown eyes
red hair / red eyes
black hair / black hair ribbon; black hair / white hair bow; brown hair / blue hair flower
long hair / short sleeves; long hair / short skirt; long hair / short hair with long locks
long hair / very long hair; white hair / grey hair; blue hair / aqua hair; ponytail / braid
one eye closed / blue eyes; half-closed eyes / red eyes; heterochromia / blue eyes
blue eyes / blue dress; red eyes / glowing eyes; looking back / from behind
night / stars; night / moon; night / city lights; night / lamp; sunset / orange sky; sunset / sun
sunset / cloud; full moon / night; twilight / night; starry sky / night; starry sky / sunset
day / blue sky; day / sunlight
blue sky / cloud; blue sky / cloudy sky; sunlight / window; rain / umbrella; rain / night
indoors / window; library / indoors; library / bookshelf; bedroom / night; bedroom / sunlight
forest / outdoors; forest / river; beach / ocean; street / city; window / forest; city / night
white background / simple background; white background / flower; simple background / shadow
white background / solo; black background / night; black background / starry sky
space / starry sky;
iceberg / ocean; desert / sand; space / planet; underwater / ocean; forest / lake
gradient background / blue background
depth of field / indoors; depth of field / bedroom; portrait / close-up; portrait / upper body
from above / looking up; from side / looking at viewer; from side / profile; from below / sky
sitting / crossed legs; sitting / looking at viewer; standing / arms up; sitting / on chair
winter / snow; winter / scarf; autumn / autumn leaves; summer / beach; snow / night; rain / fog
winter uniform / summer; summer uniform / winter; storm / rain; overcast / rain; snow / blue sky
open mouth / smile; open mouth / teeth; closed mouth / smile; smile / tears; sketch / monochrome
watercolor / sketch; monochrome / black hair; greyscale / white hair; monochrome / spot color
monochrome / white background; barefoot / anklet; high heels / boots; shoes / socks
black dress / white gloves; white shirt / black skirt; red bow / blue dress; dress / hat
two-tone dress / black dress; striped shirt / white shirt; armor / cape; kimono / obi; skirt / shirt
sleeveless / detached sleeves; solo / smile; solo / looking at viewer; black cat / white dress
temple / outdoors; temple / forest; mask / beard; helmet / beard; close-up / sitting
sleeping / closed eyes; robe / cape; jacket / hoodie; city lights / sunset; city lights / night
colorful coat / yellow coat; dark / neon lights; bed of flowers / outdoors
old / beard; street / street lamp; bald eagle / long hair; office lady / forest; cat / dog
night / midnight blue; desert eagle / indoors; evening dress / day; snow leopard / summer
photo background / white background; pocky day / night; morning glory / night; suit / necktie
beach umbrella / bedroom; unworn shoes / barefoot; black boots / brown coat
blonde hair / black dress
school uniform / skirt; military uniform / hat; jacket / shirt; pants / coat; scenery / no humans
""".replace("\n", ";")


def pairs(text: str) -> list[tuple[str, str]]:
    return [
        (one.strip(), other.strip())
        for one, _, other in (pair.partition("/") for pair in text.split(";") if pair.strip())
    ]


@pytest.mark.parametrize(("one", "other"), pairs(EXCLUSIVE))
def test_pairs_that_exclude_each_other(one: str, other: str) -> None:
    assert contradicting_slot(one, other) is not None
    assert contradicting_slot(other, one) is not None


@pytest.mark.parametrize(("one", "other"), pairs(COMPATIBLE))
def test_pairs_that_go_together(one: str, other: str) -> None:
    assert contradicting_slot(one, other) is None
    assert contradicting_slot(other, one) is None


@pytest.mark.parametrize(
    "pair",
    """
    a knight in a meadow / straw hat; a viking in the snow / earmuffs; samurai / hoodie
    pharaoh / jacket; a mosque at night / stained glass; a mosque / bell tower; torii / cross
    a synagogue / church; hanukkah / church; chinese new year / yukata; chinese new year / kimono
    hanfu / obi; hanbok / furisode; indian wedding / church; geometric pyramids / camel
    abstract pyramids / desert; portrait of a knight / armored boots; closeup of a girl / full body
    close-up / boots; closeup of a girl / wide shot
    """.replace("\n", ";").split(";"),
)
def test_things_of_another_era_faith_or_culture(pair: str) -> None:
    if pair.strip():
        typed, added = pair.split("/")
        slots = PromptSlots()
        slots.add(typed.strip(), is_sentence=True, is_typed=True)
        assert slots.contradiction(added.strip()) is not None


@pytest.mark.parametrize(
    ("typed", "added"),
    [
        ("a knight in a meadow", "helmet"),
        ("samurai", "kimono"),
        ("a church", "stained glass"),
        ("torii", "pagoda"),
        ("egyptian pyramids", "camel"),
        ("full length portrait of a girl", "boots"),
        ("a knight in sneakers", "shoes"),
    ],
)
def test_things_of_the_same_era_and_faith(typed: str, added: str) -> None:
    slots = PromptSlots()
    slots.add(typed, is_sentence=True, is_typed=True)
    assert slots.contradiction(added) is None


def test_no_words_stand_for_two_values_of_a_slot() -> None:
    for slot in slot_table().slots.values():
        for (one, words), (other, others) in itertools.combinations(slot.values.items(), 2):
            assert not words & others, (slot.name, one, other)
        for value, words in slot.values.items():
            assert words, (slot.name, value)
            assert not words & slot.opens, (slot.name, value)


def test_pairs_that_go_together_name_values() -> None:
    for slot in slot_table().slots.values():
        for pair in slot.together:
            assert len(pair) == 2 and pair <= set(slot.values), (slot.name, pair)


def test_words_are_in_the_form_that_is_compared() -> None:
    for slot in slot_table().slots.values():
        for words in slot.values.values():
            for text in words:
                assert text == canonical(text.replace(" _ ", " ")) or "_" in text, text


def test_exclusion_is_symmetric() -> None:
    tags = sorted({tag for pair in pairs(EXCLUSIVE + COMPATIBLE) for tag in pair})
    for one, other in itertools.combinations(tags, 2):
        first, second = contradicting_slot(one, other), contradicting_slot(other, one)
        assert (first is None) == (second is None), (one, other, first, second)
    for tag in tags:
        assert contradicting_slot(tag, tag) is None


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("red eyes", "A girl with blue eyes looks up."),
        ("night", "A young woman walks on a sunny day."),
        ("long hair", "She has short brown hair."),
        ("black hair", "The blonde girl smiles."),
        ("black hair", "A brown-haired girl reads."),
        ("black hair", "Her hair is white."),
        ("blue eyes", "Her eyes are closed."),
        ("indoors", "She stands in a forest."),
        ("summer", "Snow covers the ground in winter."),
        ("bedroom", "They meet on a city street."),
    ],
)
def test_sentences_that_exclude_a_tag(typed: str, sentence: str) -> None:
    slots = PromptSlots()
    slots.add(typed, is_typed=True)
    assert slots.contradiction(sentence, is_sentence=True) is not None


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("blue eyes", "A girl with blue eyes wears a red dress."),
        ("night", "The moon shines on the lake."),
        ("long hair", "Her long hair moves; she wears a short skirt."),
        ("black hair", "She has long, black hair with a red hair ribbon."),
        ("indoors", "Shallow depth of field."),
        ("closed mouth", "She laughs."),
        ("smile", "A picture with no frown."),
        ("winter", "One day she walked home."),
    ],
)
def test_sentences_that_go_with_a_tag(typed: str, sentence: str) -> None:
    slots = PromptSlots()
    slots.add(typed, is_typed=True)
    assert slots.contradiction(sentence, is_sentence=True) is None


def test_two_persons_may_have_two_hair_colours_not_three() -> None:
    slots = PromptSlots(persons=2)
    slots.add("black hair", is_typed=True)
    assert slots.contradiction("blonde hair") is None
    slots.add("blonde hair")
    assert slots.contradiction("red hair") == "hair colour"
    assert PromptSlots(persons=None).contradiction("red hair") is None


def test_contradictions_of_the_user_open_the_slot() -> None:
    slots = PromptSlots()
    slots.add("night", is_typed=True)
    slots.add("blue sky", is_typed=True)
    assert slots.contradiction("sunset") is None


def test_a_tag_of_the_model_does_not_open_a_slot_of_the_user() -> None:
    slots = PromptSlots()
    slots.add("black hair", is_typed=True)
    slots.add("streaked hair")
    assert slots.contradiction("red hair") == "hair colour"
    slots.add("multicolored hair", is_typed=True)
    assert slots.contradiction("red hair") is None


@pytest.mark.parametrize(
    ("typed", "unfit"),
    [
        ("naked", ("pants", "shirt", "jacket", "white dress", "boots", "long sleeves")),
        ("blindfold", ("blue eyes", "looking at viewer")),
        ("headless", ("blue eyes", "looking at viewer")),
    ],
)
def test_what_a_person_does_not_have_is_not_added(typed: str, unfit: tuple[str, ...]) -> None:
    slots = PromptSlots(1)
    slots.add("1boy", is_typed=True)
    slots.add(typed, is_typed=True)
    assert [tag for tag in unfit if not slots.contradiction(tag)] == []
    assert not slots.contradiction("short hair")
