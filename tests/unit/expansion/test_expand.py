"""Expansion with a scripted model: its requests, and the use of its answers."""

from __future__ import annotations

import threading
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tipo_core.expansion.expand import expand
from tipo_core.expansion.fields import derived_seed
from tipo_core.expansion.progress_meter import ProgressMeter
from tipo_core.expansion.request import Expansion, ExpansionRequest
from tipo_core.expansion.task import TaskRequest, run_task
from tipo_core.expansion.tasks import Length, Task
from tipo_core.listening import SHORT_TEXT
from tipo_core.lm.generate.completion import Cancelled, Completion, StopReason

from .scripted import Scripted, said

TAGS = " " + ", ".join(f"tag {n}" for n in range(1, 17))


def run(script: list[str], **request: object) -> tuple[Expansion, Scripted]:
    model = Scripted(script, flows=True)
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
        [" She smiles. It rains. The sun sets."],
        caption=typed,
        tag_length=None,
        caption_length=Length.VERY_SHORT,
    )
    assert model.prompts[0].endswith("tag: 1girl, cat ears\nlong: A girl, reading a book.")
    assert expansion.caption == typed + ". She smiles."


def test_tags_are_capped_at_the_length_class_and_the_last_one_is_whole() -> None:
    endless = " " + ", ".join(f"tag {n}" for n in range(1, 99))
    expansion, _ = run([endless])
    assert len(expansion.added_tags) == 16
    assert expansion.added_tags[-1] == "tag 16"


def test_a_short_answer_is_continued_and_not_started_over() -> None:
    expansion, model = run([" hat", " coat, boots", " scarf, bow, x, y, z"], at_least=True)
    assert model.prompts[1].endswith("tag: 1girl, cat ears, hat,")
    assert model.prompts[2].endswith("tag: 1girl, cat ears, hat, coat, boots,")
    assert model.min_new_tokens == [0, 4, 4]
    assert expansion.added_tags == ("hat", "coat", "boots", "scarf", "bow", "x", "y", "z")
    report = expansion.passes[0]
    assert (report.result.answers, report.result.count, report.result.reached) == (3, 10, True)


@pytest.mark.parametrize("length", Length)
def test_a_length_is_an_upper_bound_unless_it_is_a_lower_bound_too(length: Length) -> None:
    script = [" hat", " coat", " A girl.", " She sits."]
    texts: dict[str, Length] = {"tag_length": length, "caption_length": length}
    expansion, model = run([script[0], script[2]], **texts, rounds=3)
    assert expansion.added_tags == ("hat",) and expansion.caption == "A girl."
    assert len(model.prompts) == 2 and all(step.result.reached for step in expansion.passes)
    expansion, _ = run([script[0], script[1]], at_least=True, tag_length=length)
    assert expansion.added_tags == ("hat", "coat") and not expansion.passes[0].result.reached


def test_a_model_that_has_nothing_to_say_ends_after_bounded_answers() -> None:
    expansion, model = run([" hat"] + [" hat"] * 200, at_least=True)
    grown = expansion.passes[0].result
    assert (grown.count, grown.reached, grown.reason) == (3, False, StopReason.REDRAW_LIMIT)
    assert len(model.prompts) == grown.answers == 65
    assert grown.rejected == {"repeated": 64} and not expansion.banned
    silent, model = run([" hat"], at_least=True)
    assert silent.passes[0].result.reason is StopReason.END_TOKEN and len(model.prompts) == 2


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
    assert expansion.banned == {"*hat": 2}


def test_sentences_with_a_banned_word_are_dropped() -> None:
    expansion, _ = run(
        [" A girl. She wears a hat. T", " That is all. It rains."],
        tag_length=None,
        caption_length=Length.SHORT,
        bans="hat",
    )
    assert expansion.caption == "A girl. That is all. It rains."
    assert expansion.banned == {"hat": 1}


def test_a_word_of_the_block_list_is_added_only_where_that_is_wanted() -> None:
    script = [
        " hat, unworn shirt, x, y, z, q",
        " A girl. She holds an unworn shirt. I",
        " It rains.",
    ]
    wanted: dict[str, object] = {"caption_length": Length.SHORT}
    safe, _ = run(list(script), **wanted)
    assert safe.added_tags == ("hat", "x", "y", "z", "q")
    assert safe.caption == "A girl. It rains."
    assert safe.banned == {"block list": 2}
    free, _ = run([script[0], "".join(script[1:])], safe=False, **wanted)
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
        model = Scripted([TAGS.replace("tag", f"tag{n}") for n in range(variants)])
        request = ExpansionRequest(
            "1girl", "", Length.VERY_SHORT, None, seed=seed, variants=variants
        )
        expand(model, request)
        return model.seeds

    assert seeds(4, 7)[:2] == seeds(2, 7) and len(seeds(2, 7)) == 2
    assert len(set(seeds(4, 7))) == 4
    assert seeds(1, 0) != seeds(1, 1)
    assert derived_seed(0, 1) == derived_seed(0, 1) < 2**63


def test_progress_rises_to_one_and_may_cancel() -> None:
    heard: list[float] = []
    request = ExpansionRequest("1girl", "", Length.VERY_SHORT, Length.VERY_SHORT, variants=2)
    expand(Scripted([TAGS, " A girl. She sits."] * 2), request, heard.append)
    assert heard == sorted(heard) and heard[-1] == 1.0 and len(heard) > 50
    # The progress is near its end when the texts are: it does not jump there from the middle.
    steps = [later - before for before, later in pairwise([0.0, *heard])]
    assert max(steps) < 0.2 and heard[-2] > 0.8

    class Cancelled(BaseException):
        pass

    def cancel(share: float) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        expand(Scripted([TAGS]), request, cancel)


@pytest.mark.parametrize("kind", ["expand", "task"])
def test_a_cancel_is_heard_before_the_model_runs(kind: str) -> None:
    """A text of a megabyte takes seconds before the first token."""

    class Interrupted(Exception):
        pass

    heard: list[float] = []

    def cancel(share: float) -> None:
        heard.append(share)
        if len(heard) == 2:
            raise Interrupted

    model = Scripted([TAGS])
    with pytest.raises(Interrupted):
        if kind == "expand":
            expand(model, ExpansionRequest("1girl", "", Length.VERY_SHORT, None), cancel)
        else:
            run_task(model, TaskRequest(Task.TAGS, Length.VERY_SHORT, tags="1girl"), cancel)
    assert model.prompts == [] and heard == [0.0, 0.0]


def test_a_cancel_is_heard_while_one_piece_of_work_on_a_long_text_runs() -> None:
    class Interrupted(BaseException):
        pass

    is_over = threading.Event()
    calls = 0

    def cancel(share: float) -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise Interrupted

    with pytest.raises(Interrupted):
        ProgressMeter(cancel).read(lambda: is_over.wait(60), "x" * (SHORT_TEXT + 1))
    is_over.set()

    # The library's own exception ends the run later, with the user's text in the result.
    def stop(share: float) -> None:
        is_stopped.set()
        raise Cancelled

    is_stopped = threading.Event()
    meter = ProgressMeter(stop)
    assert meter.read(lambda: is_stopped.wait(60), "x" * (SHORT_TEXT + 1))
    with pytest.raises(Cancelled):
        meter.reach(0.5)


def test_an_expansion_that_is_ended_before_the_model_runs_is_the_users_text() -> None:
    calls = 0

    def cancel_once(share: float) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise Cancelled

    request = ExpansionRequest("1girl", "", Length.VERY_SHORT, None)
    (expansion,) = expand(Scripted([TAGS]), request, cancel_once)
    assert expansion.was_cancelled and expansion.tags.startswith("1girl")
    assert len(expansion.added_tags) <= 1


def answers_of(model: Scripted) -> list[str]:
    return [prompt.split("\n")[-1] for prompt in model.prompts]


def test_a_banned_tag_is_cut_off_at_its_comma_and_drawn_again() -> None:
    model = Scripted([" coat, top hat, never read", " boots, x, y, z, q"])
    request = ExpansionRequest("1girl", "", Length.VERY_SHORT, None, bans="*hat")
    (expansion,) = expand(model, request)
    assert answers_of(model) == ["tag: 1girl,", "tag: 1girl, coat,"]
    assert expansion.added_tags == ("coat", "boots", "x", "y", "z", "q")
    assert expansion.banned == {"*hat": 1} == expansion.passes[0].result.rejected
    assert len(set(model.seeds)) == 2


def test_what_the_model_insists_on_is_passed_over_and_never_returned() -> None:
    model = Scripted([" top hat, ", " top hat, ", " coat, boots, x, y, z, q"])
    request = ExpansionRequest("1girl", "", Length.VERY_SHORT, None, bans="*hat")
    (expansion,) = expand(model, request)
    assert answers_of(model) == ["tag: 1girl,", "tag: 1girl,", "tag: 1girl, top hat,"]
    assert expansion.added_tags == ("coat", "boots", "x", "y", "z", "q")
    assert "top hat" not in expansion.prompt and expansion.banned == {"*hat": 2}


def test_many_different_refusals_at_one_place_are_passed_over_too() -> None:
    hats = [f" hat {n}, " for n in range(9)]
    model = Scripted([*hats[:5], " coat, boots, x, y, z, q"])
    request = ExpansionRequest("1girl", "", Length.VERY_SHORT, None, bans="hat*")
    (expansion,) = expand(model, request)
    assert answers_of(model)[-2:] == ["tag: 1girl,", "tag: 1girl, hat 4,"]
    assert expansion.added_tags[0] == "coat" and expansion.banned == {"hat*": 5}


def test_a_sentence_with_a_banned_word_is_drawn_again() -> None:
    model = Scripted([" A girl sits. She wears a hat. N", " She reads. It rains."])
    request = ExpansionRequest("1girl", "", None, Length.SHORT, bans="hat")
    (expansion,) = expand(model, request)
    assert model.prompts[1].endswith("long: A girl sits.")
    assert expansion.caption == "A girl sits. She reads. It rains."


def test_a_limit_is_reported_and_never_raised() -> None:
    class Full(Scripted):
        def complete(self, prompt: str, **_: object) -> Completion:
            self.prompts.append(prompt)
            text = " hat, coa" if len(self.prompts) == 1 else ""
            return said(text, StopReason.CONTEXT_LIMIT)

    request = ExpansionRequest("1girl", "", Length.VERY_SHORT, None, at_least=True)
    (expansion,) = expand(Full([]), request)
    grown = expansion.passes[0].result
    assert expansion.added_tags == ("hat",)
    assert (grown.reason, grown.reached) == (StopReason.CONTEXT_LIMIT, False)


def test_metadata_is_proposed_apart_from_what_was_given() -> None:
    model = Scripted(
        [" hat, coat, boots, x, y", "rating: sensitive, explicit\nartist: a b, c\nquality: old\n"]
    )
    request = ExpansionRequest(
        "1girl, masterpiece",
        "",
        Length.VERY_SHORT,
        None,
        gen_meta=True,
        bans="@artist",
    )
    (expansion,) = expand(model, request)
    assert model.prompts[1] == (
        "quality: masterpiece\ntarget: <|very_short|> <|gen_meta|>\n"
        "tag: 1girl, hat, coat, boots, x, y\n"
    )
    assert expansion.proposed == {"rating": "sensitive"}  # the quality was given
    assert expansion.banned == {"@artist": 2, "block list": 1}
    assert expansion.tags == "1girl, masterpiece, hat, coat, boots, x, y"


def test_rounds_expand_the_result_until_the_target_is_met() -> None:
    class Tired(Scripted):
        """Its context is full after each answer."""

        def complete(self, prompt: str, **rest: object) -> Completion:
            done = super().complete(prompt, **rest)  # type: ignore[arg-type]
            return said(done.text, StopReason.CONTEXT_LIMIT)

    script = [" hat,", "", " A girl. She sits.", " coat, boots, x, y,", "", " z, q"]
    model = Tired(script)
    length = Length.VERY_SHORT
    request = ExpansionRequest("1girl", "", length, length, rounds=5, seed=1, at_least=True)
    (expansion,) = expand(model, request)
    assert [report.round for report in expansion.passes] == [0, 0, 1]
    assert expansion.passes[0].result.count == 2 and expansion.passes[2].result.count == 6
    # The second round sees the caption of the first one.
    assert "short: A girl.\ntag: 1girl, hat," in model.prompts[-2]
    assert expansion.tags == "1girl, hat, coat, boots, x, y"
    with pytest.raises(ValueError, match="choose 1 to 16"):
        ExpansionRequest(rounds=0)


def test_a_variant_that_equals_an_earlier_one_is_drawn_again_and_then_reported() -> None:
    request = ExpansionRequest("1girl", "", Length.VERY_SHORT, None, variants=2)
    tags, other = " a, b, c, d, e, f", " a, b, c, d, e, g"
    first, second = expand(Scripted([tags, tags, other]), request)
    assert (first.attempts, second.attempts, second.repeats) == (1, 2, None)
    assert second.added_tags[-1] == "g"
    _, second = expand(Scripted([tags] * 9), request)
    assert (second.attempts, second.repeats) == (2, 0)  # it always says the same
    three = ExpansionRequest("1girl", "", Length.VERY_SHORT, None, variants=3)
    *_, third = expand(Scripted([tags, other, tags, other, tags, other, tags]), three)
    assert (third.attempts, third.repeats) == (4, 1)


def test_an_expansion_can_be_ended_with_what_there_is() -> None:
    count = 0

    def cancel(share: float) -> None:
        nonlocal count
        count += share > 0  # without the calls before the first token
        if count == len(" hat, coat, b"):
            raise Cancelled

    request = ExpansionRequest("1girl", "", Length.VERY_SHORT, Length.SHORT, variants=3)
    (expansion,) = expand(Scripted([" hat, coat, boots, x, y", " A girl."]), request, cancel)
    assert expansion.tags == "1girl, hat, coat" and expansion.was_cancelled
    assert [str(report.result.reason) for report in expansion.passes] == ["cancelled"]


def test_names_are_escaped_unless_that_is_turned_off() -> None:
    typed = "hatsune miku (append), (hat:1.2)"
    escaped, _ = run([TAGS], tags=typed)
    assert escaped.tags.startswith(r"hatsune miku \(append\), (hat:1.2), ")
    plain, _ = run([TAGS], tags=typed, escape_names=False)
    assert plain.tags.startswith(typed + ", ") and plain.prompt.startswith(typed)
    assert "miku (append)" in "".join(plain.fields.values())


@pytest.mark.parametrize("mark", ["BREAK", "AND"])
def test_a_template_moves_no_tag_across_a_break(mark: str) -> None:
    typed = f"1girl, (red dress:1.2),\n{mark} blue coat, 1boy"
    sorting = "<|special|>, <|general|>\n<|extended|>"
    expansion, model = run([" hat, coat, x, y"], tags=typed, template=sorting)
    assert expansion.prompt == f"1girl, (red dress:1.2),\n{mark} 1boy, blue coat, hat, coat, x, y"
    assert model.prompts[0].endswith("tag: 1girl, red dress, blue coat, 1boy,")
    verbatim, _ = run([" hat, coat, x, y"], tags=typed)
    assert verbatim.prompt == f"{typed}, hat, coat, x, y"
    placed, _ = run([" hat"], tags=typed, template="<|general|> | <|head|>")
    assert placed.prompt == f"blue coat, hat | 1girl, (red dress:1.2),\n{mark}"


def test_metadata_lines_hold_the_value_alone() -> None:
    typed = "1girl, rating_safe, artist:wlop, drawn by someone, hatsune miku"
    _, model = run([TAGS], tags=typed)
    assert model.prompts[0].startswith(
        "rating: safe\nartist: wlop, someone\ncharacters: hatsune miku\ntarget:"
    )


def test_what_is_added_behind_a_comment_is_no_part_of_it() -> None:
    expansion, _ = run([" hat, coat, x, y"], tags="1girl # my girl")
    assert expansion.tags == "1girl # my girl\nhat, coat, x, y"
    assert expansion.prompt == expansion.tags


def test_bad_bans_templates_and_variants_are_errors_before_the_model_is_asked() -> None:
    mistakes: list[dict[str, Any]] = [
        {"bans": "/(/"},
        {"bans": "@nobody"},
        {"template": "<|nope|>"},
    ]
    for bad in mistakes:
        model = Scripted([])
        with pytest.raises(ValueError):
            expand(model, ExpansionRequest(tags="1girl", **bad))
        assert not model.prompts
    for variants in (0, 65):
        with pytest.raises(ValueError, match="choose 1 to 64"):
            ExpansionRequest(variants=variants)


@pytest.mark.parametrize(
    ("tags", "caption", "line"),
    [
        ("", "two old men playing chess", "2boys"),
        ("", "A woman reads.", "1girl"),
        ("", "king penguin on the ice", "no humans"),
        ("bearded man, cafe", "", "1boy, bearded man, cafe"),
        ("1girl, witch", "", "1girl, witch"),
        ("red hair", "", "red hair"),
    ],
)
def test_the_model_reads_persons_as_counts_and_the_result_omits_them(
    tags: str, caption: str, line: str
) -> None:
    model = Scripted([" outdoors, tree, sky"])
    request = ExpansionRequest(
        tags=tags, caption=caption, tag_length=Length.VERY_SHORT, caption_length=None
    )
    (expansion,) = expand(model, request)
    read = model.prompts[0].rpartition("\ntag:")[2].strip().strip(",")
    assert read == line
    assert expansion.added_tags == ("outdoors", "tree", "sky")
    assert expansion.tags == ", ".join(part for part in (tags, "outdoors, tree, sky") if part)
