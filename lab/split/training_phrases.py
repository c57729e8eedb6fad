"""Single tags, credits and descriptions of pictures, drawn at random."""

from __future__ import annotations

import random

from tipo_core.prompt.sentences import split_sentences

from .training_lists import TrainingLists
from .word_lists import words

_MEDIUMS = words("mediums")
_CREDITS = words("credits")
_COLOURS = words("colours")
_GARMENTS = words("garments")
_DETAILS = words("details")
_ADJECTIVES = words("adjectives")
_SCENERY = words("scenery")
_VERBS = words("verbs")
_SUBJECTS = words("subjects")
_INTRANSITIVE = words("intransitive")
_SAYS = words("says")
_LINKS = ("and", "and", "with", "with", "wearing", "in", "on", "", "next to", "under")
_TOGETHER = words("together")
_PRONOUN_CLAUSES = words("pronoun_clauses")


class PhraseWriter:
    """Draws tags and phrases from the lists."""

    def __init__(self, lists: TrainingLists, rng: random.Random) -> None:
        self._lists = lists
        self._rng = rng

    def phrase(self, ends: bool) -> str:
        """A sentence, or a description without a verb or a stop."""
        rng = self._rng
        source = rng.random()
        if source < 0.03:
            phrase = self.quoting()
        elif source < 0.06:
            phrase = f"{self._person()} {rng.choice(_VERBS)} {self.noun_phrase()}"
        elif source < 0.08:
            phrase = self.run_on()
        elif source < 0.15:
            phrase = self.listing()
            phrase = phrase[:1].upper() + phrase[1:]
        elif source < 0.22 and self._lists.sentences:
            phrase = rng.choice(self._lists.sentences)
        elif source < 0.6:
            phrase = rng.choice(self._lists.short)
        else:
            phrase = rng.choice(self._lists.middle if source < 0.85 else self._lists.long)
            phrase = rng.choice(split_sentences(phrase)).strip()
        bare = phrase.rstrip(" .,")
        kind = rng.random()
        lower = bare[:1].lower() + bare[1:]
        if lower.startswith(("a girl ", "a woman ", "a boy ", "a man ")) and rng.random() < 0.2:
            bare = "1 " + rng.choice(("", "", "cute ", "young ")) + lower[2:]
        elif kind < 0.12 and lower.startswith(("a ", "an ", "two ", "the ")):
            bare = f"{rng.choice(_MEDIUMS)} {lower}"
        elif kind < 0.2 and lower.startswith(("a ", "an ")) and len(lower.split()) > 6:
            bare = lower.split(" ", 1)[1]
        elif kind < 0.4:
            bare = lower
        if kind > 0.94 and not ends:
            bare += f" by {self.artist()}"
        if ends:
            return phrase if phrase[-1:] in ".!?" and bare in phrase else f"{bare}."
        return bare

    def short_sentence(self) -> str:
        """``She smiles.``"""
        rng = self._rng
        subject = rng.choice((*_SUBJECTS, self._person()))
        manner = rng.choice(("", "", "", " softly", " again", " at dawn", " happily"))
        return f"{subject} {rng.choice(_INTRANSITIVE)}{manner}{rng.choice('...!')}"

    def quoting(self) -> str:
        """A sentence with a quote in it, which may have commas and stops."""
        rng = self._rng
        quoted = ", ".join(rng.choice(self._lists.things) for _ in range(rng.randint(1, 3)))
        quoted = f'"{quoted.capitalize()}{rng.choice(("", "", "!", "."))}"'
        end = rng.choice(
            ("", " in red letters", " while smiling", f" next to {self.noun_phrase()}")
        )
        return f"{rng.choice(_SUBJECTS)} {rng.choice(_SAYS)} {quoted}{end}"

    def run_on(self) -> str:
        """A long description without commas: ``girl with red hair and blue eyes wearing a hat``."""
        rng = self._rng
        text = (
            rng.choice(("", "a ", "cute ", "beautiful ")) + rng.choice(self._lists.things).lower()
        )
        for _ in range(rng.randint(2, 8)):
            article = rng.choice(("", "a ", "a large "))
            colour, thing = (
                rng.choice((*_COLOURS, *_ADJECTIVES)),
                rng.choice((*_GARMENTS, *_SCENERY)),
            )
            text += f" {rng.choice(_LINKS)} {article}{colour} {thing}".replace("  ", " ")
        return text

    def _person(self) -> str:
        """The whole name of a person, or the first part of it."""
        name = self._rng.choice(self._lists.people)
        return name.split()[0] if self._rng.random() < 0.5 else name

    def clause(self) -> str:
        """A short clause with a finite verb, as people put between tags."""
        rng = self._rng
        if rng.random() < 0.5 and self._lists.clauses:
            clause = rng.choice(self._lists.clauses)
        else:
            form = rng.choice(_PRONOUN_CLAUSES)
            start = rng.choice(("she", "he", "it", "they", "the girl", "a man", "the cat"))
            words = [rng.choice((*_GARMENTS, *_SCENERY, *_COLOURS)) for _ in range(2)]
            if form.startswith("{}"):
                words = [start, *words]
            clause = form.format(*words)
        return clause[:1].upper() + clause[1:] if rng.random() < 0.15 else clause

    def listing(self) -> str:
        """A sentence with a list in it: ``a dog in a red hat, blue gloves, and a coat.``"""
        rng = self._rng
        count = rng.randint(3, 7)
        kind = rng.random()
        if kind < 0.3:
            items = rng.sample(_COLOURS, count)
            start = rng.choice(("in shades of", "with hues of", "glowing in", "in the colors"))
        elif kind < 0.65:
            article = rng.random() < 0.5
            items = [
                f"{'a ' if article else ''}{rng.choice((*_COLOURS, *_ADJECTIVES))} {thing}"
                for thing in rng.sample(_GARMENTS, count)
            ]
            start = rng.choice(("wearing", "in", "dressed in", "with"))
        else:
            items = [rng.choice(self._lists.things).lower() for _ in range(count)]
            start = rng.choice(("with", "full of", "holding", "surrounded by", "next to", "and"))
        last = rng.choice(("and ", "and ", "and ", "and a "))
        comma = ", " if rng.random() < 0.6 else " "
        body = f"{', '.join(items[:-1])}{comma}{last}{items[-1]}"
        if rng.random() < 0.3:
            between = rng.choice((" ", ", "))
            beside = rng.choice(("on", "beside", "against", "under"))
            body += f"{between}{beside} {self.noun_phrase()}"
        subject = rng.choice(self._lists.clauses) if rng.random() < 0.3 else self.noun_phrase()
        if rng.random() < 0.25:
            if rng.random() < 0.4:
                people = [self._person() for _ in range(rng.randint(3, 5))]
                body = f"{', '.join(people[:-1])}{comma}and {people[-1]}"
            return f"{body} {rng.choice(_TOGETHER)} {self.noun_phrase()}"
        return f"{subject}{rng.choice((' ', ' ', ', '))}{start} {body}"

    def noun_phrase(self) -> str:
        rng = self._rng
        kind = rng.random()
        noun = rng.choice(self._lists.things).lower()
        if kind < 0.3:
            return f"a {rng.choice(_COLOURS)} {rng.choice(_GARMENTS)}"
        if kind < 0.6:
            return f"{rng.choice(('a', 'the', 'an old', 'her', 'his'))} {noun}"
        if kind < 0.8:
            place = rng.choice(("the old town", "a distant land", "the north", "the valley"))
            return f"the {rng.choice(_ADJECTIVES)} {rng.choice(_SCENERY)} of {place}"
        return f"a {rng.choice(_ADJECTIVES)} {noun}"

    def tag(self) -> str:
        rng = self._rng
        if rng.random() < 0.12:
            name = rng.choice(rng.choice(self._lists.names))
            return name.title() if rng.random() < 0.2 else name
        if rng.random() < 0.12:
            return rng.choice(self._lists.things)
        if rng.random() < 0.04:
            return rng.choice(rng.choice(self._lists.short).rstrip(".").split()).lower()
        return self._lists.tag(rng)

    def style(self) -> str:
        rng = self._rng
        styles = self._lists.styles
        # The first ones are the commonest.
        return styles[int(len(styles) * rng.random() ** 2)]

    def descriptive(self) -> str:
        """``navy and red plaid dress``, ``beret with flower pin``: tags in the form of phrases."""
        rng = self._rng
        noun = rng.choice((*_GARMENTS, *_SCENERY))
        kind = rng.random()
        if kind < 0.3:
            return f"{rng.choice(_COLOURS)} and {rng.choice(_COLOURS)} {noun}"
        if kind < 0.55:
            return f"{rng.choice(_COLOURS)} {rng.choice(_GARMENTS)} with {rng.choice(_DETAILS)}"
        if kind < 0.7:
            first, second = rng.choice(_SCENERY), rng.choice(_SCENERY)
            return f"{rng.choice(_ADJECTIVES)} {first} and {rng.choice(_COLOURS)} {second}"
        if kind < 0.8:
            return f"{rng.choice(_ADJECTIVES)} and {rng.choice(_ADJECTIVES)} {noun}"
        if kind < 0.9:
            return f"{rng.choice(_ADJECTIVES)} {rng.choice(_COLOURS)} {noun}"
        first, second = rng.choice(_ADJECTIVES), rng.choice(_ADJECTIVES)
        return f"{rng.choice(('extremely', 'very', 'an extremely'))} {first} and {second}"

    def artist(self) -> str:
        rng = self._rng
        known = rng.random() < 0.6
        name = rng.choice(self._lists.artists) if known else rng.choice(self._lists.authors).lower()
        if rng.random() < 0.15:
            name = f"{rng.choice('abcdefghjklmr')}. {rng.choice(('', 'c. ', 'r. '))}{name}"
        return name.title() if rng.random() < 0.3 else name

    def credit_list(self) -> list[str]:
        """The items of a list of artists."""
        rng = self._rng
        names = [self.artist() for _ in range(rng.randint(1, 5))]
        style = rng.random()
        if style < 0.35:
            names[-1] = "and " + names[-1] if len(names) > 1 else names[-1]
        elif style < 0.6:
            names = [" and ".join(names)]
        elif style < 0.7 and len(names) > 1:
            names = [*names[:-2], f"{names[-2]} and {names[-1]}"]
        return [f"{rng.choice(_CREDITS)} {names[0]}", *names[1:]]
