"""The text of a variant while it is written."""

from __future__ import annotations

from collections.abc import Sequence

from tests.unit.expansion.scripted import Scripted
from tipo_core.expansion.expand import expand
from tipo_core.expansion.request import Expansion, ExpansionRequest
from tipo_core.expansion.shown.draft import Draft
from tipo_core.expansion.tasks import Length

Shown = list[tuple[str, str]]


def drafted(script: Sequence[str], **changes: object) -> tuple[list[Shown], list[Expansion]]:
    """Return what each variant showed at each call, and the results."""
    values: dict[str, object] = {
        "tags": "1girl",
        "tag_length": Length.VERY_SHORT,
        "caption_length": Length.VERY_SHORT,
        **changes,
    }
    seen: list[Shown] = []

    def on_draft(drafts: Sequence[Draft]) -> None:
        seen.append([(draft.tags, draft.caption) for draft in drafts])

    request = ExpansionRequest(**values)  # type: ignore[arg-type]
    found = expand(Scripted(script, flows=True), request, None, on_draft)
    return seen, found


def test_the_text_grows_to_the_result() -> None:
    seen, (result,) = drafted([" long hair, smile", " A girl smiles. She sits."])
    tags, captions = zip(*(shown[0] for shown in seen), strict=True)
    assert "lon" in tags and "long hair, sm" in tags
    assert any(caption.endswith("She s") for caption in captions)
    assert tags[-1] == ", ".join(result.added_tags)
    assert captions[-1] == result.added_caption


def test_a_refused_piece_disappears() -> None:
    seen, (result,) = drafted([" red hat,", " coat"], bans="*hat", caption_length=None)
    tags = [shown[0][0] for shown in seen]
    assert "red ha" in tags
    assert result.added_tags == ("coat",) and tags[-1] == "coat"


def test_the_result_is_the_same_with_and_without_a_listener() -> None:
    script = [" long hair, 1girl, smile", " hat", " A girl smiles. She sits."]
    _, with_listener = drafted(script, variants=1)
    request = ExpansionRequest(
        tags="1girl", tag_length=Length.VERY_SHORT, caption_length=Length.VERY_SHORT
    )
    (alone,) = expand(Scripted(script, flows=True), request)
    (one,) = with_listener
    assert (one.prompt, one.banned, one.added_tags) == (
        alone.prompt,
        alone.banned,
        alone.added_tags,
    )


def test_each_variant_has_a_draft() -> None:
    seen, results = drafted([" hat, coat", " boots"], variants=2, caption_length=None)
    assert [shown[0] for shown in seen[-1]] == [", ".join(one.added_tags) for one in results]


def test_a_variant_that_is_drawn_again_begins_anew() -> None:
    script = [" hat", " hat", " coat"]
    seen, results = drafted(script, variants=2, caption_length=None)
    assert [one.added_tags for one in results] == [("hat",), ("coat",)]
    assert seen[-1][1] == ("coat", "")


def test_tags_that_only_the_caption_is_written_from_are_not_shown() -> None:
    seen, (result,) = drafted([" hat", " A girl. "], tags="", tag_length=None)
    assert result.added_tags == ()
    assert {shown[0][0] for shown in seen} == {""}
