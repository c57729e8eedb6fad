"""Singular forms of English nouns, for look-ups in a vocabulary of singular names."""

from __future__ import annotations

from types import MappingProxyType

_IRREGULAR = MappingProxyType(
    dict(
        pair.split(":")
        for pair in """
        men:man women:woman children:child people:person feet:foot teeth:tooth geese:goose
        mice:mouse oxen:ox dice:dice lice:louse wolves:wolf leaves:leaf knives:knife lives:life
        wives:wife shelves:shelf halves:half calves:calf loaves:loaf scarves:scarf elves:elf
        hooves:hoof thieves:thief dwarves:dwarf wharves:wharf sheaves:sheaf fishes:fish cacti:cactus
        fungi:fungus octopi:octopus hippopotami:hippopotamus nebulae:nebula antennae:antenna
        larvae:larva algae:alga supernovae:supernova bacteria:bacterium aquaria:aquarium
        criteria:criterion crises:crisis axes:axe oases:oasis bases:base vertices:vertex
        matrices:matrix snowmen:snowman policemen:policeman firemen:fireman fishermen:fisherman
        gentlemen:gentleman salesmen:salesman businessmen:businessman vikings:viking buses:bus
        gases:gas canoes:canoe shoes:shoe horseshoes:horseshoe toes:toe movies:movie cookies:cookie
        zombies:zombie pies:pie ties:tie genies:genie pixies:pixie selfies:selfie brownies:brownie
        smoothies:smoothie huskies:husky kitties:kitty magpies:magpie collies:collie
        prairies:prairie calories:calorie eyries:eyrie sorties:sortie
        """.split()
    )
)
# Words in -s that are singular, or have no singular of the same meaning.
_SINGULAR = frozenset(
    """glass grass moss bus gas lens compass iris cactus octopus walrus hippopotamus platypus
    christmas canvas atlas pancreas tennis chess cross dress mattress bass princess waitress
    fortress albatross venus mars paris texas swiss cosmos chaos series species pegasus cyclops
    colossus crocus hibiscus lotus citrus asparagus couscous hummus circus campus virus cumulus
    stylus abacus discus clothes jeans pants shorts scissors glasses goggles ruins stairs woods
    noodles fireworks headphones binoculars sunglasses pliers tongs tweezers andes alps himalayas
    news abyss always across towards this his is was has does goes oasis basis tetris mantis
    trellis penis pus overseas molasses harness wilderness darkness happiness business process
    mess press loss boss toss mass pass class brass cutlass process success address""".split()
)


def singular_forms(word: str) -> tuple[str, ...]:
    """Return the possible singulars of a lower-case word, the likeliest first.

    Empty for a word that is no plural. The caller takes the first form that its vocabulary has:
    ``dishes`` gives ``dish`` and ``dishe``.
    """
    if word in _IRREGULAR:
        return (_IRREGULAR[word],)
    if len(word) < 4 or not word.endswith("s") or word.endswith("ss") or word in _SINGULAR:
        return ()
    if word.endswith("ies"):
        return (f"{word[:-3]}y", word[:-1])
    if word.endswith(("ches", "shes", "xes", "sses", "zes", "oes")):
        return (word[:-2], word[:-1])
    if word.endswith("ves"):
        return (word[:-1], f"{word[:-3]}f", f"{word[:-3]}fe")
    if word.endswith("'s"):
        return (word[:-2],)
    return (word[:-1],)
