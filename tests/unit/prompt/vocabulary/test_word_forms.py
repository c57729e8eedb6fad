"""Singular forms of nouns."""

import pytest

from tipo_core.prompt.vocabulary.word_forms import singular_forms


@pytest.mark.parametrize(
    ("plural", "singular"),
    [
        ("cats", "cat"),
        ("penguins", "penguin"),
        ("foxes", "fox"),
        ("dishes", "dish"),
        ("churches", "church"),
        ("berries", "berry"),
        ("puppies", "puppy"),
        ("wolves", "wolf"),
        ("leaves", "leaf"),
        ("geese", "goose"),
        ("mice", "mouse"),
        ("potatoes", "potato"),
        ("shoes", "shoe"),
        ("buses", "bus"),
        ("horses", "horse"),
        ("bridges", "bridge"),
        ("noses", "nose"),
        ("snowmen", "snowman"),
        ("cacti", "cactus"),
        ("waves", "wave"),
        ("caves", "cave"),
        ("cookies", "cookie"),
        ("keeper's", "keeper"),
    ],
)
def test_plurals(plural: str, singular: str) -> None:
    assert singular in singular_forms(plural)


@pytest.mark.parametrize(
    "word", ["glass", "moss", "bus", "cactus", "octopus", "cat", "gas", "as", "chess", "ruins", ""]
)
def test_singular_words_have_no_other_form(word: str) -> None:
    assert singular_forms(word) == ()
