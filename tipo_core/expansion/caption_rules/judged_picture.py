"""The tags of a picture and the judge of sentences about it: what fits the tags and the prompt."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from ..pair_prior.guide import TagGuide
from ..policy import CONTRADICTS, TagPolicy
from ..tasks import Field

# Words for rooms and tables, beside which a sentence names no ground, and for other surfaces.
_INSIDE = re.compile(
    r"\b(?:indoors?|still life|tables?|floor|couch|sofa|(?:bed|bath|living |dining )?room|kitchen"
    r"|desk|shelf|counter(?:top)?|bed|interior|office|library|museum|hall)\b",
    re.I,
)
_SURFACES = re.compile(
    r"\b(?:counter(?:top)?|desk|shelf|bench|floor|grass|ground|sand|beach|snow|street|wall|stage"
    r"|road|sidewalk|field|forest|rock)\b",
    re.I,
)
_SPACE = re.compile(r"\b(?:space|galax\w+|nebula|planets?)\b", re.I)
# What a sentence says beyond its tag, and the words of a prompt that rule it out.
_CALM = re.compile(r"\b(?:calm|quiet|lone|empty|gentle|gently|softly)\b")
_RESTLESS = re.compile(
    r"\b(?:storm\w*|blizzard\w*|wind\w*|waves?|busy|crowd\w*|traffic|race|racing|battle|war"
    r"|fight\w*|explo\w+"
    r"|chaos|chaotic|wild|rapids|splash\w*|fast|speed\w*|market|festival|party|fire|run\w*)\b",
    re.I,
)
_CLEAR = re.compile(r"\b(?:clear|bright|cheerful|sunny|warm)\b")
_VEILED = re.compile(
    r"\b(?:cloud\w*|fog\w*|mist\w*|rain\w*|storm\w*|smoke|smog|haze|overcast|dark\w*|gloom\w*"
    r"|blizzard|snow\w*|winter|cold|night|bleak|horror|dystopian|apocalyp\w+|ruin\w*|haunted)\b",
    re.I,
)


class JudgedPicture:
    """The tags of one picture, and the judge of the sentences about them."""

    def __init__(
        self,
        tags: Iterable[str],
        texts: Sequence[str],
        policy: TagPolicy,
        guide: TagGuide,
    ) -> None:
        self.tags = list(tags)
        self._policy, self._guide = policy, guide
        said = ", ".join((*texts, *self.tags))
        self._is_restless = _RESTLESS.search(said) is not None
        self._is_veiled = _VEILED.search(said) is not None
        self._unfit: list[str] = []
        if _INSIDE.search(said):
            self._unfit += ["ground", "grows? around"]
        typed = ", ".join(texts)
        self._names_table = "table" in typed.lower()
        if _SURFACES.search(typed):
            self.leave_out_tables()
        if _SPACE.search(said):
            self._unfit.append("it is night")
        self.rejected: Counter[str] = Counter()

    def leave_out_tables(self) -> None:
        """Refuse sentences about a table, unless the prompt names one."""
        if not self._names_table:
            self._unfit.append("table")

    def fits(self, sentence: str) -> bool:
        """Return whether a sentence names nothing but the tags, and contradicts none of them."""
        reason = self._policy.refuse(Field.LONG, sentence) or self._guide.refuse_sentence(sentence)
        lowered = sentence.lower()
        is_calm = self._is_restless and _CALM.search(lowered) is not None
        is_clear = self._is_veiled and _CLEAR.search(lowered) is not None
        is_elsewhere = any(re.search(rf"\b{words}\b", lowered) for words in self._unfit)
        if reason is None and (is_calm or is_clear or is_elsewhere):
            reason = CONTRADICTS
        if reason is not None:
            self.rejected[reason] += 1
        return reason is None

    def take(self, sentence: str) -> None:
        """Add a sentence to the caption; later ones must not contradict it."""
        self._policy.accept(Field.LONG, sentence)
