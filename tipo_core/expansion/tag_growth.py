"""Grow the tags of a prompt under a guide: first the scene, then the model's own tags."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from types import MappingProxyType

from ..lm.generate.completion import Generation, StopReason
from .fields import derived_seed, grow_field
from .format import Request, split_tags
from .pair_prior.guide import TagGuide
from .policy import TagPolicy
from .request import FieldResult
from .tasks import Field, Length, Pass, Span

# Tags that are added to a prompt at most. A longer list has weaker evidence: it ends in fillers.
_MOST_ADDED = MappingProxyType(
    {Length.VERY_SHORT: 5, Length.SHORT: 9, Length.LONG: 14, Length.VERY_LONG: 20}
)
# A model adds at least this many tags to persons before its end counts.
_LEAST_WRITTEN = 4
# A prompt with more words in the pair table has said its scene: few tags are added.
_LONG_EVIDENCE = 10
_MOST_TO_LONG = 5
# A list gets at least this many tags: where the evidence ends earlier, safe tags follow.
_LEAST_ADDED = 4
# The share of the scene in the tags that are added beside persons.
_SCENE_SHARE = 0.4


def grow_tags(
    request: Request,
    step: Pass,
    seed: int,
    policy: TagPolicy,
    guide: TagGuide,
    on_token: Callable[[int], None] | None = None,
    check: Callable[[], None] | None = None,
    uncounted: int = 0,
) -> Generation[FieldResult]:
    """Add tags to the tag line of `request`; the guide proposes, and the model completes.

    Without persons no model is run, unless a length must be reached. Where both end early, tags
    that fit nearly every picture of the kind bring the list to four. `uncounted` of the given tags
    are for the model only.
    """
    given = request.given.get(Field.TAG, "")
    present = len(split_tags(given)) - uncounted
    rejected: Counter[str] = Counter()
    span = step.span
    most_added = _MOST_ADDED[step.length]
    if guide.evidence_size > _LONG_EVIDENCE:
        most_added = min(most_added, _MOST_TO_LONG)
    room = max(_LEAST_ADDED, min(span.most - present, most_added))

    def refuses(tag: str) -> bool:
        reason = policy.refuse(Field.TAG, tag)
        if reason is None:
            policy.accept(Field.TAG, tag)
        else:
            rejected[reason] += 1
        return reason is not None

    # 1) the scene, or the whole list of a picture without persons
    count = round(room * _SCENE_SHARE) if guide.has_persons else room
    added = guide.propose(count, seed, refuses)
    if not guide.has_persons and len(added) < _LEAST_ADDED:
        added += guide.fill(_LEAST_ADDED - len(added), seed, refuses)
    text = "".join(f", {tag}" for tag in added) if given else ", ".join(added)
    proposed = FieldResult(
        added=text,
        pieces=tuple(added),
        count=present + len(added),
        reached=present + len(added) >= span.least,
        reason=StopReason.END_TOKEN,
        answers=0,
        prompt_tokens=0,
        new_tokens=0,
        rejected=dict(rejected),
    )
    # 2) the model's own tags
    must_fill = step.at_least and not proposed.reached
    if not must_fill and not guide.has_persons:
        return proposed
    longer = replace(request, given={**request.given, Field.TAG: given + text})
    most = span.most if step.at_least else present + room
    least = max(span.least, min(most, proposed.count + _LEAST_WRITTEN))
    written = yield from grow_field(
        longer,
        Field.TAG,
        Span(least, most),
        derived_seed(seed, 1),
        policy,
        on_token,
        check,
        guide if guide.has_persons else None,
        uncounted,
    )
    rejected.update(written.rejected)
    # 3) safe tags where both found too little
    missing = _LEAST_ADDED - len(added) - len(written.pieces)
    filled: list[str] = []
    if missing > 0 and written.reason is not StopReason.CANCELLED:
        filled = guide.fill(missing, derived_seed(seed, 2), refuses)
    return replace(
        written,
        added=text + written.added + "".join(f", {tag}" for tag in filled),
        pieces=(*added, *written.pieces, *filled),
        count=written.count + len(filled),
        reached=written.count + len(filled) >= span.least,
        rejected=dict(rejected),
    )
