"""Results that were stored and are used again as they are, without a run of a model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from ...prompt import FIELDS
from ...prompt.origins import Origin, TextSpan
from ...surrogates import refuse_surrogates, shortened
from ..json_form import VERSION
from ..request import Expansion
from ..tasks import MAX_VARIANTS

_REMEDY = (
    "take the entries of `tipo` that TIPO Expand has in the history of a run, or clear the value "
    "to unpin"
)


def pinned_expansions(text: str) -> list[Expansion]:
    """Return the results in `text`: the JSON of one result, or of a list with one per variant.

    A result needs `prompt` alone. Without `tags` and `caption` the prompt is the tags. Raises
    ValueError for other JSON, and for a result that a newer version has written.
    """
    refuse_surrogates("pinned", text)
    try:
        values = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"pinned is no JSON ({shortened(str(error))}): {_REMEDY}") from None
    # JSON may write half a character as an escape.
    refuse_surrogates("pinned", json.dumps(values, ensure_ascii=False))
    entries = values if isinstance(values, list) else [values]
    if not 1 <= len(entries) <= MAX_VARIANTS:
        raise ValueError(
            f"pinned has {len(entries)} results: give 1 to {MAX_VARIANTS}, or clear the value"
        )
    return [_read_result(entry, number) for number, entry in enumerate(entries)]


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _read_result(values: Any, number: int) -> Expansion:
    if not isinstance(values, dict):
        raise ValueError(f"result {number} of pinned is {shortened(values)}: {_REMEDY}")
    version = values.get("version", VERSION)
    # JSON's `true` is a number in Python.
    if type(version) is not int or not 1 <= version <= VERSION:
        raise ValueError(
            f"result {number} of pinned has the version {shortened(version)}, this TIPO Suite "
            f"reads 1 to {VERSION}: update the pack, or clear the value to unpin"
        )

    def text_of(key: str, default: str = "") -> str:
        value = values.get(key, default)
        if not isinstance(value, str):
            _refuse(number, key, value, "a text")
        return value

    def texts_of(key: str) -> tuple[str, ...]:
        value = values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            _refuse(number, key, value, "a list of texts")
        return tuple(value)

    def mapping_of(key: str, kind: type) -> dict[str, Any]:
        value = values.get(key, {})
        if not isinstance(value, dict) or not all(isinstance(one, kind) for one in value.values()):
            _refuse(number, key, value, f"an object of values of the type {kind.__name__}")
        return dict(value)

    if "prompt" not in values:
        raise ValueError(f"result {number} of pinned has no prompt: {_REMEDY}")
    prompt = text_of("prompt")
    is_plain = not values.keys() & {"tags", "caption"}
    tags, caption = text_of("tags", prompt if is_plain else ""), text_of("caption")
    given = mapping_of("fields", str) or {"user": tags, "general": tags, "extended": caption}
    seed = values.get("seed", 0)
    if isinstance(seed, float) and seed.is_integer():
        seed = int(seed)  # JavaScript writes large numbers so
    if not isinstance(seed, int):
        _refuse(number, "seed", seed, "a whole number")
    return Expansion(
        prompt=prompt,
        tags=tags,
        caption=caption,
        added=text_of("added"),
        added_tags=texts_of("added_tags"),
        added_caption=text_of("added_caption"),
        # A later version may have more fields.
        fields={name: given.get(name, "") for name in FIELDS},
        proposed=mapping_of("proposed", str),
        banned=mapping_of("banned", int),
        passes=(),
        seed=seed,
        variant=number,
        attempts=1,
        repeats=None,
        was_cancelled=False,
        seconds=0.0,
        spans=_read_spans(values.get("spans"), prompt),
        was_pinned=True,
    )


def _refuse(number: int, key: str, value: object, wanted: str) -> NoReturn:
    raise ValueError(
        f"{key} in result {number} of pinned is {shortened(value)}, not {wanted}: {_REMEDY}"
    )


def _read_spans(spans: Any, prompt: str) -> tuple[TextSpan, ...]:
    """Return the spans of a result; those that are not those of the prompt are left out."""
    if not isinstance(spans, list) or not all(isinstance(span, Mapping) for span in spans):
        return ()
    known = {origin.value: origin for origin in Origin}
    found = [
        TextSpan(
            str(span.get("text", "")),
            known.get(str(span.get("origin")), Origin.JOINT),
            str(span.get("tag", "")),
        )
        for span in spans
    ]
    return tuple(found) if "".join(span.text for span in found) == prompt else ()
