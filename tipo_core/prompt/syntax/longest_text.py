"""Which text of a schedule is active for longest, for forms with one or two times."""

from __future__ import annotations

import re
from collections.abc import Sequence

_TIME = re.compile(r"(-?(?:\d+\.?\d*|\.\d+))(%?)")
# In `texts_in_time`: no text is active.
NOTHING = -1


def longest_text(has_words: Sequence[bool], times: str) -> int:
    """Return the number of the text that is active for longest among those with words.

    `has_words` says of each text whether it has words; at least one has. `times` are as typed:
    ":0.2, 0.8". The last one of equal texts is returned. The number of steps is unknown: times in
    steps count as evenly spaced. Other forms have their last text with words.
    """
    last = max(number for number, has in enumerate(has_words) if has)
    found = _TIME.findall(times)
    order = texts_in_time(len(has_words), len(found))
    if not order:
        return last
    if all("." in number or percent for number, percent in found):
        borders = [float(number) / (100 if percent else 1) for number, percent in found]
    else:
        borders = [(place + 1) / len(order) for place in range(len(found))]
    begun = 0.0
    longest, best = 0.0, last
    for number, end in zip(order, [*borders, 1.0], strict=True):
        end = min(max(end, begun), 1.0)
        if number != NOTHING and has_words[number] and end - begun >= longest:
            longest, best = end - begun, number
        begun = end
    return best


def texts_in_time(texts: int, times: int) -> list[int]:
    """Return the numbers of a form's texts in the order of time; empty if it is no schedule.

    `[a:when]` begins without a text, `[a:b:c:when]` never shows `c`.
    """
    if times == 1 and texts <= 3:
        return [NOTHING, 0] if texts == 1 else [0, 1]
    if times == 2 and texts <= 3:
        return {1: [NOTHING, 0, NOTHING], 2: [NOTHING, 0, 1], 3: [0, 1, 2]}[texts]
    return []
