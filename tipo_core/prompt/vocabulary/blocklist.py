"""The blocklist: words that the shipped model must neither learn from nor write.

It matches whole words, ignores case and reads underscores and hyphens as spaces. The training text
is filtered with it, the answers of the trained model are checked with it, and expansion rejects
tags and sentences with it, unless a request sets `safe` to False.
"""

from __future__ import annotations

import re

_STEMS = """
    anal anus areola arousal aroused ass asses balls bdsm bestiality blowjob bondage boob boobs bra
    bras breast breasts brothel busty butt butts buttocks cameltoe cleavage clit clitoris cock
    concubine condom corset courtesan cum cunt deepthroat dick dildo dominatrix doggystyle ecchi
    ejaculation erect erection erotic erotica escort explicit exposed fellatio femdom fetish
    fingering foreplay fuck fucked fucking futanari gagged gangbang genital genitals g-string groin
    groping handjob harem hentai hooker horny incest intercourse kinky labia lewd lingerie lolicon
    loli lolita lust lustful masturbating masturbation milf molest molested naked naughty nipple
    nipples nsfw nude nudes nudist nudity orgasm orgy panties panty pantyhose pantyshot
    paizuri penis peeing piss playboy porn porno pornographic pornography prostitute provocative
    pubic pussy rape raped rapist scantily scrotum semen sensual seductive sex sexual sexually
    sexy shota shotacon shibari slave slut sluts smut sperm squirt stockings strip stripped
    stripper striptease suggestive swimsuit swimsuits bikini bikinis thong thongs tits titties
    threesome topless bottomless underage undies underwear undressed undressing upskirt vagina
    vaginal vibrator virgin voyeur vulva whore xxx yaoi yuri
    bare bodystocking bodysuit busts crotch curvy groin midriff navel thigh thighs thighhighs
    underbust undies leotard bandeau tankini sarong
    behead beheaded beheading bleeding blood bloodied bloody bloodstain carcass cannibal corpse
    corpses dead decapitated decapitation disembowel dismembered dismemberment execution
    executed gore gory guro hanged impaled intestines kill killed killing killer lynching
    massacre murder murdered murderer mutilated mutilation slaughter slaughtered stab stabbed
    stabbing suicide suicidal torture tortured
    cocaine crack-pipe drug drugs heroin marijuana meth weed smoking cigarette cigarettes cigar
    hitler nazi nazis swastika kkk isis terrorist terrorists genocide holocaust jihad
    retard retarded faggot fag nigger nigga chink spic tranny dyke whale-tail
    pedophile pedophilia preteen
"""
_PHRASES = """
    adult content, all fours, arched back, asymmetrical docking, symmetrical docking, back view of
    legs, bent over, big chest, breath, come hither, dress tug, spread legs, skirt lift, dress lift,
    skirt tug, skirt around one leg, pulling own clothes, reach around, riding crop, sitting on
    face, sitting on person, standing split, split, tight clothes, tight shirt, taut clothes, taut
    dress, taut shirt, narrow waist, wide hips, see through, no bra, no panties, wet clothes, wet
    shirt, male swimwear, swim briefs, undersized clothes, criss cross halter, impossible dress,
    unworn skirt, unworn shirt, disembodied head, severed head, hammer and sickle, if they mated,
    sandwiched, straitjacket, shackles, petite, side slit, center opening, low neckline, heavy
    breathing, in heat, love hotel, pole dancing, red light district, sugar daddy, skindentation,
    kneepits, biceps, obliques, muneate, o-ring top, tube top, halterneck, halter dress, gusset,
    plantar flexion, showgirl skirt, naughty face, holding riding crop, race queen, microskirt,
    mini skirt, miniskirt, short dress, gun to head, hand on another's waist, stretching, shibari
"""


def _pattern(stems: str, phrases: str) -> re.Pattern[str]:
    words = stems.split() + [" ".join(phrase.split()) for phrase in phrases.split(",")]
    forms = {re.escape(word.replace("-", " ")).replace(r"\ ", r"\s+") for word in words}
    return re.compile(rf"\b(?:{'|'.join(sorted(forms))})\b")


_BLOCKED = _pattern(_STEMS, _PHRASES)


def blocklist_matches(text: str) -> tuple[str, ...]:
    """Return the blocked words and phrases of a text, in their order; empty for a clean text."""
    plain = text.casefold().replace("_", " ").replace("-", " ")
    return tuple(match.group() for match in _BLOCKED.finditer(plain))
