"""Expansion with a scripted model: what it is asked, and what becomes of its answers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tipo_core.expansion.answering import derived_seed
from tipo_core.expansion.expand import expand, join_caption, join_tags
from tipo_core.expansion.request import Expansion, ExpansionRequest
from tipo_core.expansion.tasks import Length

from .scripted import Scripted

TAGS = " " + ", ".join(f"tag {n}" for n in range(1, 17))


def run(script: list[str], **request: object) -> tuple[Expansion, Scripted]:
    model = Scripted(script)
    values = {
        "tag_length": Length.VERY_SHORT,
        "caption_length": None,
        "tags": "1girl, cat ears",
        **request,
    }
    return expand(model, ExpansionRequest(**values))[0], model  # type: ignore[arg-type]


def test_the_model_sees_plain_words_and_the_user_gets_his_own_back() -> None:
    typed = "(1girl:1.2), [cat_ears], <lora:my_style_v2:0.8>, embedding:easy_negative, __color__"
    expansion, model = run([" hat, coat, red scarf, boots, x"], tags=typed)
    assert model.prompts[0] == "target: <|very_short|>\ntag: 1girl, cat ears,"
    assert expansion.tags.startswith(typed + ", ")
    assert expansion.prompt.startswith(typed + ", ")
    assert expansion.added_tags == ("hat", "coat", "red scarf", "boots", "x")


@given(st.text(max_size=60))
def test_nothing_that_the_user_typed_is_changed(typed: str) -> None:
    expansion, _ = run([TAGS], tags=typed, caption="")
    parenthesised = "(" in typed
    assert parenthesised or not typed.strip() or expansion.tags.startswith(typed)
    assert parenthesised or typed.strip() in expansion.prompt


def test_a_tag_with_a_series_comes_out_escaped() -> None:
    expansion, _ = run([" hat (series), coat"], tags="hatsune miku (append)")
    assert expansion.tags.startswith(r"hatsune miku \(append\), hat \(series\), coat")


def test_added_tags_follow_the_users_underscores() -> None:
    expansion, _ = run([" red scarf, ^_^, coat, x, y"], tags="1girl, cat_ears, long_hair")
    assert expansion.added == "red_scarf, ^_^, coat, x, y"


def test_the_caption_pass_sees_the_grown_tags() -> None:
    expansion, model = run([" hat, coat, boots, x, y", " A girl. She smiles."],
                           caption_length=Length.VERY_SHORT)  # fmt: skip
    assert model.prompts[1] == (
        "target: <|very_short|> <|tag_to_long|>\n"
        "tag: 1girl, cat ears, hat, coat, boots, x, y\nlong:"
    )
    assert expansion.caption == "A girl. She smiles."
    assert expansion.prompt == ("1girl, cat ears, hat, coat, boots, x, y\n\nA girl. She smiles.")


def test_a_given_caption_is_continued() -> None:
    typed = "A girl, reading (a book:1.1)"
    expansion, model = run(
        [" by the window. She smiles. It rains."],
        caption=typed,
        tag_length=None,
        caption_length=Length.VERY_SHORT,
    )
    assert model.prompts[0].endswith("tag: 1girl, cat ears\nlong: A girl, reading a book")
    assert expansion.caption == typed + " by the window. She smiles."


def test_tags_are_capped_at_the_length_class_and_the_last_one_is_whole() -> None:
    endless = " " + ", ".join(f"tag {n}" for n in range(1, 99))
    expansion, _ = run([endless])
    assert len(expansion.added_tags) == 16
    assert expansion.added_tags[-1] == "tag 16"


def test_a_short_answer_is_continued_and_not_started_over() -> None:
    expansion, model = run([" hat", " coat, boots", " scarf, bow, x, y, z"])
    assert model.prompts[1].endswith("tag: 1girl, cat ears, hat,")
    assert model.prompts[2].endswith("tag: 1girl, cat ears, hat, coat, boots,")
    assert model.min_new_tokens == [0, 4, 4]
    assert expansion.added_tags == ("hat", "coat", "boots", "scarf", "bow", "x", "y", "z")
    report = expansion.passes[0]
    assert (report.rounds, report.count, report.reached) == (3, 10, True)


def test_a_model_that_has_nothing_to_say_ends_after_bounded_rounds() -> None:
    expansion, model = run([" hat"] + ["hat"] * 50)
    report = expansion.passes[0]
    assert (report.count, report.reached) == (3, False)
    assert len(model.prompts) == report.rounds == 12


def test_duplicates_and_contradictions_are_not_added() -> None:
    expansion, _ = run(
        [" Cat_Ears, 2girls, multiple girls, no humans, 1boy, hat, hat, HAT, x, y, z, q"]
    )
    assert expansion.added_tags == ("1boy", "hat", "x", "y", "z", "q")


def test_bans_keep_the_users_tags_and_count_the_rejections() -> None:
    expansion, _ = run(
        [" top hat, hat, that, coat, x, y, z, top hat"],
        tags="1girl, hat",
        bans="*hat",
    )
    assert expansion.tags.startswith("1girl, hat, ")
    assert not {"top hat"} & set(expansion.added_tags)
    assert expansion.banned == {"*hat": 3}


def test_sentences_with_a_banned_word_are_dropped() -> None:
    expansion, _ = run(
        [" A girl. She wears a hat. That is all. It rains."],
        tag_length=None,
        caption_length=Length.SHORT,
        bans="hat",
    )
    assert expansion.caption == "A girl. That is all. It rains."
    assert expansion.banned == {"hat": 1}


def test_a_word_of_the_block_list_is_added_only_where_that_is_wanted() -> None:
    script = [" hat, unworn shirt, x, y, z, q", " A girl. She holds an unworn shirt. It rains."]
    wanted: dict[str, object] = {"caption_length": Length.SHORT}
    safe, _ = run(list(script), **wanted)
    assert safe.added_tags == ("hat", "x", "y", "z", "q")
    assert safe.caption == "A girl. It rains."
    assert safe.banned == {"block list": 2}
    free, _ = run(list(script), safe=False, **wanted)
    assert "unworn shirt" in free.added_tags and "unworn shirt" in free.caption


def test_the_users_own_words_are_not_measured_by_the_block_list() -> None:
    expansion, _ = run([TAGS], tags="1girl, unworn shirt")
    assert expansion.tags.startswith("1girl, unworn shirt, tag 1")


def test_sentences_are_capped_and_an_unfinished_one_is_dropped() -> None:
    long = " One sits. Two sit. Three sit. Four sit"
    expansion, _ = run([long], tag_length=None, caption_length=Length.VERY_SHORT)
    assert expansion.caption == "One sits. Two sit."


@pytest.mark.parametrize("length", [None, Length.SHORT])
def test_with_nothing_given_a_caption_is_still_written(length: Length | None) -> None:
    expansion, model = run(
        [" 1girl, hat, " + ", ".join(f"t{n}" for n in range(20)), " A girl. She sits. It rains."],
        tags="",
        tag_length=length,
        caption_length=Length.SHORT,
    )
    assert expansion.caption == "A girl. She sits. It rains."
    assert "tag: 1girl, hat" in model.prompts[1]
    assert bool(expansion.added_tags) is bool(length)


def test_quality_tags_of_the_user_become_metadata_for_the_model() -> None:
    expansion, model = run([TAGS], tags="masterpiece, 1girl, best quality")
    assert model.prompts[0] == (
        "quality: masterpiece, best quality\ntarget: <|very_short|>\ntag: 1girl,"
    )
    assert expansion.tags.startswith("masterpiece, 1girl, best quality, tag 1")
    assert expansion.fields["quality"] == "masterpiece, best quality"


def test_a_variant_depends_on_the_seed_and_its_number_alone() -> None:
    def seeds(variants: int, seed: int) -> list[int]:
        model = Scripted([TAGS] * variants)
        request = ExpansionRequest(
            "1girl", "", Length.VERY_SHORT, None, seed=seed, variants=variants
        )
        expand(model, request)
        return model.seeds

    assert seeds(4, 7)[:2] == seeds(2, 7)
    assert len(set(seeds(4, 7))) == 4
    assert seeds(1, 0) != seeds(1, 1)
    assert derived_seed(0, 1) == derived_seed(0, 1) < 2**63


def test_progress_rises_to_one_and_may_cancel() -> None:
    heard: list[float] = []
    request = ExpansionRequest("1girl", "", Length.VERY_SHORT, Length.VERY_SHORT, variants=2)
    expand(Scripted([TAGS, " A girl. She sits."] * 2), request, heard.append)
    assert heard == sorted(heard) and heard[-1] == 1.0 and len(heard) > 50

    class Cancelled(BaseException):
        pass

    def cancel(share: float) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        expand(Scripted([TAGS]), request, cancel)


def test_bad_bans_templates_and_variants_are_errors_before_the_model_is_asked() -> None:
    for bad in ({"bans": "/(/"}, {"bans": "@nobody"}, {"template": "<|nope|>"}):
        model = Scripted([])
        with pytest.raises(ValueError):
            expand(model, ExpansionRequest(tags="1girl", **bad))
        assert not model.prompts
    for variants in (0, 65):
        with pytest.raises(ValueError, match="choose 1 to 64"):
            ExpansionRequest(variants=variants)


@pytest.mark.parametrize(
    ("user", "added", "wanted"),
    [
        ("1girl", "hat", "1girl, hat"),
        ("1girl,", "hat", "1girl, hat"),
        ("1girl, ", "hat", "1girl, hat"),
        ("1girl,\n", "hat", "1girl,\nhat"),
        ("", "hat", "hat"),
        ("1girl", "", "1girl"),
        ("  ", "hat", "hat"),
    ],
)
def test_join_tags(user: str, added: str, wanted: str) -> None:
    assert join_tags(user, added) == wanted


@pytest.mark.parametrize(
    ("user", "added", "wanted"),
    [
        ("A girl", " by the sea.", "A girl by the sea."),
        ("A girl", ", smiling.", "A girl, smiling."),
        ("A girl. ", " She sits.", "A girl. She sits."),
        ("", " A girl.", "A girl."),
        ("A girl.", "", "A girl."),
    ],
)
def test_join_caption(user: str, added: str, wanted: str) -> None:
    assert join_caption(user, added) == wanted
