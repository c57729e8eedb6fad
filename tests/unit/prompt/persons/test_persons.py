"""Persons that a prompt names: in words, by name, as tags; and words that are no persons."""

from __future__ import annotations

import pytest

from tipo_core.prompt.persons.persons import Presence, persons_of

# Text and what the model reads for it. Written by hand before the table was tried on them.
NAMED = {
    "a woman in a red dress": "1girl",
    "a man reading a newspaper": "1boy",
    "a bearded man drinking coffee in a cafe": "1boy",
    "two old men playing chess": "2boys",
    "three women at a market": "3girls",
    "a group of children building a snowman": "multiple girls, multiple boys",
    "a couple kissing under an umbrella": "1girl, 1boy",
    "a family having a picnic in the park": "multiple girls, multiple boys",
    "old lady feeding pigeons": "1girl",
    "a gentleman with a cane": "1boy",
    "the king on his throne": "1boy",
    "queen of the night, throne": "1girl",
    "wizard casting a spell": "1boy",
    "a knight fighting a dragon": "1boy",
    "a witch stirring a cauldron": "1girl",
    "a man and a woman dancing": "1girl, 1boy",
    "a boy and his dog": "1boy",
    "a girl with a cat": "1girl",
    "two girls and a boy on a bench": "2girls, 1boy",
    "a mother and her daughter": "2girls",
    "father and son fishing": "2boys",
    "bride and groom": "1girl, 1boy",
    "five samurai in the rain": "5boys",
    "a crowd of people at a concert": "multiple girls, multiple boys",
    "portrait of a young woman": "1girl",
    "oil painting of an old fisherman": "1boy",
    "photo of an astronaut riding a horse": "1boy",
    "a child on a swing": "solo",
    "a ballerina on stage": "1girl",
    "female knight with a sword": "1girl",
    "male nurse": "1boy",
    "schoolgirl waiting for the bus": "1girl",
    "a policewoman": "1girl",
    "businessman in the rain": "1boy",
    "She walks along the beach at dusk.": "1girl",
    "He looks out of the window.": "1boy",
    "a woman's face": "1girl",
    "Emma Watson as a witch": "1girl",
    "Gandalf smoking a pipe": "1boy",
    "harry potter, castle": "1boy",
    "sherlock holmes": "1boy",
    "trevor noah, wearing a suit": "1boy",
    "hatsune miku, vocaloid, concert": "1girl",
    "uzumaki naruto": "1boy",
    "1girl, solo": "1girl, solo",
    "2boys, beach": "2boys",
    "pirate with a parrot": "1boy",
    "mermaid on a rock": "1girl",
    "the last samurai": "1boy",
    "a scientist in a laboratory": "solo",
    "young man, hoodie": "1boy",
    "dozens of soldiers": "multiple boys",
    "women": "multiple girls",
    "beautiful girl": "1girl",
    "teenage boy, skateboard": "1boy",
    "grandmother knitting": "1girl",
    "king arthur": "1boy",
    "a man in a boat and a man on the shore": "2boys",
    "kids playing football": "multiple girls, multiple boys",
    "a football player": "solo",
    "my little sister": "1girl",
    "1boy, male focus, red eyes": "1boy",
    "male focus, coat": "multiple boys",
    "a fashion model": "solo",
    "marin kitagawa": "1girl",
    "three musketeers": "3boys",
    "a family of four": "multiple girls, multiple boys",
    "a crowd of people": "multiple girls, multiple boys",
    "a man's hand": "1boy",
    "a young artist painting": "solo",
    "a room with guests": "multiple girls, multiple boys",
    "a table surrounded by guests": "multiple girls, multiple boys",
    "a female android with Thor hair": "1girl",
    "a robot woman with curved Joker horns": "1girl",
    "Naruto's left eye": "1boy",
    "five gymnasts on a beam": "multiple girls, multiple boys",
    "an outcast in the desert": "solo",
    "terrorist": "solo",
    "a figure stands on a hill": "solo",
    "portrait": "solo",
    "a robed figure at a lake": "solo",
    "firefighters spray foam on a plane": "multiple girls, multiple boys",
    "headshot by annie leibovitz": "solo",
    "portrait of zorvek malundi": "solo",
    "damsels of Antwerp, a girl, black hat": "1girl",
    "a girl, three girls": "3girls",
}
NOBODY = """
king penguin on the ice; a lady bug on a leaf; a man-made lake; a snowman in the garden
a gingerbread man; a mannequin in a shop window; boy scout camp; manhattan skyline at night
statue of a man; a bronze statue of a king; queen bee; king size bed; cowboy hat on a fence
baby elephant; mother bear and her cubs; baby bird; fairy lights in a tree; a fairy tale castle
pirate ship at sea; wizard tower; witch hat; a doll on a shelf; toy soldiers; human skull
alien planet; ghost town; police car; farmer's market; chef's knife; king cobra; a dwarf rabbit
vampire bat; snow angel; children's playground; model train; concept art of a castle
bearded dragon; emperor penguin; clownfish; chess king; suit of armor; doctor's office
cat, sitting, window; no humans, fox, snow; owl on a branch at night; penguins on an iceberg
landscape, mountains, lake, sunset; cyberpunk city, neon lights; a bowl of ramen; sports car, road
an old pocket watch, macro; a steampunk airship; mecha, city, explosion; pikachu, forest; totoro
teddy bear; ladybug; lion king; pilot whale; monk seal; a whale underwater; no people, empty street
a german shepherd; a roman temple; a human settlement on mars; the dog and his bone
a male lion; a baby red panda; human flesh; an electron cloud model; a painting by Vincent van Gogh
castle, art by artgerm, gil elvgren, vladimir volegov; a ship, by Julie Bell and Greg Rutkowski
a woman's handbag; a bishop's mitre; snow angels; a crowd of pigeons; a family of ducks
king of the jungle; giant black spheres on the ground; retro arcade style, pixelated, lighthouse
a male blue dragon; a boxer dog; golden retriever puppy; a barn owl; a turtle
a man-eating plant; a talisman; a lighthouse, designer, ornate; the cat Otto
a dog named Max; portrait of a cat; a grey cat called Louis
legend of zelda style cat
""".replace("\n", ";")


@pytest.mark.parametrize(("text", "tags"), NAMED.items())
def test_persons_are_counted(text: str, tags: str) -> None:
    persons = persons_of(text.split(", "), ())
    as_caption = persons_of((), (text,))
    for found in (persons, as_caption) if "," not in text else (persons,):
        assert found.presence is Presence.SOME
        assert ", ".join(found.tags) == tags


@pytest.mark.parametrize("text", [text.strip() for text in NOBODY.split(";") if text.strip()])
def test_what_is_no_person_is_not_counted(text: str) -> None:
    for found in (persons_of(text.split(", "), ()), persons_of((), (text,))):
        assert found.presence is Presence.NONE, found
        assert found.tags == ("no humans",)


@pytest.mark.parametrize(
    "text", ["", "masterpiece, best quality", "oil painting", "8k, highly detailed"]
)
def test_words_of_style_say_nothing(text: str) -> None:
    assert persons_of(text.split(", "), ()).presence is Presence.OPEN


@pytest.mark.parametrize(
    "text",
    [
        *("red hair, freckles", "school uniform, classroom", "smile", "robot girl", "portrait"),
        *(
            "一个女孩在雨中打着红伞",
            "una mujer caminando bajo la lluvia",
            "Zelensky eating a burger",
        ),
    ],
)
def test_wear_and_looks_are_perhaps_a_person(text: str) -> None:
    found = persons_of(text.split(", "), ())
    assert found.presence in (Presence.PERHAPS, Presence.SOME)


@pytest.mark.parametrize(
    "text",
    ["portrait photo of a lighthouse", "a portrait painting of a car", "portrait of a robot"],
)
def test_a_portrait_of_a_thing_counts_nobody(text: str) -> None:
    assert persons_of((), (text,)).tags in ((), ("no humans",))


def test_the_titles_of_an_animal_are_no_persons() -> None:
    found = persons_of((), ("Painting of the cat Otto, Duke of Essex, who eats lasagna.",))
    assert found.presence is Presence.NONE and found.has_animal


def test_an_unknown_name_alone_is_told_from_looks() -> None:
    assert persons_of(("Zorvek Malundi",), ()).is_name_only
    assert not persons_of(("red hair, freckles",), ()).is_name_only
    assert not persons_of(("castle",), ()).is_name_only


def test_ranges_are_wider_than_the_tags() -> None:
    family = persons_of((), ("a family at the beach",))
    assert family.girls == (1, None) and family.boys == (1, None)
    knight = persons_of(("knight",), ())
    assert knight.girls == (0, 1) and knight.boys == (0, 1) and knight.most == 1
    assert persons_of(("2girls", "1boy"), ()).most == 3
    assert persons_of(("multiple girls",), ()).most is None


def test_typed_counts_win_over_words() -> None:
    found = persons_of(("1girl", "knight", "king"), ())
    assert found.tags == ("1girl",)
    assert persons_of(("no humans", "king"), ()).presence is Presence.NONE


def test_long_texts_take_linear_time() -> None:
    found = persons_of((), ("the castle stands on a hill. " * 20_000,))
    assert found.presence is Presence.NONE
