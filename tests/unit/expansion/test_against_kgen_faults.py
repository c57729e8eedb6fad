"""The twelve faults of tipo-kgen 0.3.1: a test per fault shows it there and the right result here.

Both run with scripted answers. The faults in the model itself (9, 10, and the context of 8) are in
`test_against_kgen_models`.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from tipo_core.expansion.expand import expand
from tipo_core.expansion.format import Request, read_answer, split_tags
from tipo_core.expansion.request import Expansion, ExpansionRequest
from tipo_core.expansion.tasks import Field, Length, Task
from tipo_core.prompt import count_sentences

from .scripted import Scripted, fill_request
from .test_against_kgen import reference

SIX = "tag a, tag b, tag c, tag d, tag e, tag f"


def counted(number: int, what: str = "tag") -> str:
    return ", ".join(f"{what} {n}" for n in range(number))


class Theirs:
    """tipo-kgen with scripted answers; the last answer repeats without end."""

    def __init__(self, executor: Any) -> None:
        self.executor = executor
        self.prompts: list[str] = []
        self.seeds: list[int] = []

    def run(
        self,
        script: Iterable[str],
        tags: str = "",
        caption: str = "",
        *,
        bans: Iterable[str] = (),
        seed: int = 1,
        gen_meta: bool = False,
        **wanted: Any,
    ) -> dict[str, Any]:
        """Return the result of `tipo_runner` for the request that the author's pack would build."""
        answers = iter(script)
        answer = ""

        def generate(prompt: str, **settings: Any) -> tuple[str, int, int]:
            nonlocal answer
            answer = next(answers, answer)
            self.prompts.append(prompt)
            self.seeds.append(settings["seed"])
            return prompt + answer, 1, 1

        self.executor.generate = generate
        self.executor.BAN_TAGS = list(bans)
        tag_map = self.executor.seperate_tags(split_tags(tags))
        wanted = {"generate_extra_nl_prompt": False, **wanted}
        request = self.executor.parse_tipo_request(tag_map, caption, **wanted)
        parsed, _ = self.executor.tipo_runner(*request, gen_meta=gen_meta, seed=seed)
        assert isinstance(parsed, dict)
        return parsed


@pytest.fixture
def theirs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Theirs]:
    """The reference; its changes to its own module and to `random` are undone afterwards."""
    executor = reference()
    state = random.getstate()
    for name in ("generate", "BAN_TAGS"):
        monkeypatch.setattr(executor, name, getattr(executor, name))
    yield Theirs(executor)
    random.setstate(state)


def ours(script: Iterable[str], **request: Any) -> tuple[Expansion, Scripted]:
    model = Scripted(script)
    # The reference always tries to reach the smallest count of a length class.
    request = {"tag_length": Length.VERY_SHORT, "caption_length": None, "at_least": True, **request}
    return expand(model, ExpansionRequest(**request))[0], model


def test_1_the_last_letters_of_a_result_stay(theirs: Theirs) -> None:
    read = theirs.executor.parse_tipo_result
    assert read("target: <|long|>\ntag: red eyes, glasses")["tag"] == ["red eyes", "glasse"]
    assert read("target: <|long|>\nlong: In a long dress")["generated"] == "In a long dre"
    answer = read_answer(Request(Task.TAGS, Length.LONG), " red eyes, glasses")
    assert split_tags(answer.fields[Field.TAG]) == ["red eyes", "glasses"]
    answer = read_answer(Request(Task.SHORT_TO_LONG, Length.LONG), "A\nlong: In a long dress")
    assert answer.fields[Field.LONG] == " In a long dress"
    expansion, _ = ours([f" {SIX}, red eyes, glasses"], tags="1girl")
    assert expansion.added_tags[-2:] == ("red eyes", "glasses")


def test_2_proposed_metadata_is_kept(theirs: Theirs) -> None:
    lines = "rating: safe\nartist: artist a\nquality: masterpiece"
    result = theirs.run(
        [f", {SIX}\n{lines}"], "1girl", tag_length_target="very_short", gen_meta=True
    )
    assert "<|gen_meta|>" in theirs.prompts[0]
    assert (result["rating"], result["artist"], result["quality"]) == ([], [], [])
    expansion, _ = ours([f" {SIX}", lines], tags="1girl", gen_meta=True)
    assert expansion.proposed == {"rating": "safe", "artist": "artist a", "quality": "masterpiece"}


def test_3_tags_are_cut_at_the_most_of_their_class(theirs: Theirs) -> None:
    result = theirs.run([f", {counted(55)}"], "1girl", tag_length_target="long")
    assert len(result["general"]) == 8  # the cap of the sentences
    result = theirs.run([f", {counted(90)}"], "1girl", tag_length_target="very_long")
    assert len(result["general"]) == 90
    for length in Length:
        expansion, _ = ours([f" {counted(90)}"], tags="1girl", tag_length=length)
        assert len(expansion.added_tags) + 1 == length.tags.most


def test_4_the_seed_reaches_the_model_and_no_global_generator_is_touched(theirs: Theirs) -> None:
    random.seed(5)
    theirs.run([f", {SIX}"], "1girl", tag_length_target="very_short", seed=7)
    random.seed(7)
    assert theirs.seeds == [random.randint(0, 2**32)] != [7]
    for _ in range(2):  # seed 0 is drawn anew
        theirs.run([f", {SIX}"], "1girl", tag_length_target="very_short", seed=0)
    assert len(set(theirs.seeds)) == 3
    state = random.getstate()
    seeds = [ours([f" {SIX}"], tags="1girl", seed=seed)[1].seeds for seed in (7, 7, 0, 0, 1)]
    assert seeds[0] == seeds[1] != seeds[2] == seeds[3] != seeds[4] != seeds[0]
    assert random.getstate() == state


def test_5_a_ban_means_the_tag_and_not_what_the_user_typed(theirs: Theirs) -> None:
    typed, script = "1girl, hat", [", chat log, that, hatsune miku, tag a, tag b"]
    wanted: dict[str, Any] = {"tag_length_target": "very_short", "bans": ["hat"]}
    result = theirs.run(script, typed, **wanted)
    assert set(result["general"]) == {"tag a", "tag b"} and not result["characters"]
    theirs.executor.BAN_TAGS = [":)"]
    with pytest.raises(re.error):
        theirs.executor.tag_filter("chat log")
    theirs.executor.BAN_TAGS = [""]
    assert not theirs.executor.tag_filter("chat log")

    script = [" chat log, that, :), x", " hatsune miku, tag a, cap, x", " tag b"]
    expansion, _ = ours(script, tags=typed, bans="hat, cap,, :)")
    assert expansion.tags == f"{typed}, chat log, that, hatsune miku, tag a, tag b"
    assert expansion.banned == {":)": 1, "cap": 1}


def test_5_a_ban_holds_for_sentences(theirs: Theirs) -> None:
    script = [" A girl. She wears a hat. That is all."]
    wanted: dict[str, Any] = {"expand_tags": False, "generate_extra_nl_prompt": True}
    result = theirs.run(script, "1girl", bans=["hat"], nl_length_target="very_short", **wanted)
    assert "hat" in result["generated"]
    expansion, _ = ours(
        [*script, " That is all."],
        tags="1girl",
        tag_length=None,
        caption_length=Length.VERY_SHORT,
        bans="hat",
    )
    assert expansion.caption == "A girl. That is all." and expansion.banned == {"hat": 1}


def test_6_sentences_are_whole_and_in_order(theirs: Theirs) -> None:
    typed = "Dr. Smith is 1.5 m away."
    added = ["One sits.", "Two sit.", "Three sit.", "Four sit.", "Five sit."]
    written: dict[str, Any] = {"expand_tags": False, "nl_length_target": "long"}
    orders = set()
    for seed in range(1, 6):
        result = theirs.run([f" {' '.join(added)}"], "1girl", typed, seed=seed, **written)
        orders.add(result["extended"])
        assert "1. 5 m" in result["extended"] and result["extended"].endswith("Five sit")
    assert len(orders) > 1
    expansion, _ = ours(
        [f" {' '.join(added)}"],
        tags="1girl",
        caption=typed,
        tag_length=None,
        caption_length=Length.LONG,
    )
    assert expansion.caption == " ".join([typed, *added])


def test_7_every_task_and_every_plan_comes_to_an_end(theirs: Theirs) -> None:
    theirs.executor.generate = lambda prompt, **_: (f"{prompt} A cat.\nlong: A cat sits.", 1, 1)
    request = theirs.executor.tipo_single_request(
        {"general": ["cat"]}, "", operation="tag_to_short_to_long"
    )
    with pytest.raises(IndexError):
        theirs.executor.tipo_runner(*request)
    with pytest.raises(UnboundLocalError):
        theirs.run([], "cat", "A cat.", expand_tags=False, expand_prompt=False)

    request = Request(Task.TAG_TO_SHORT_TO_LONG, Length.VERY_SHORT, {Field.TAG: "cat"})
    filled = fill_request(Scripted([" A cat.", " A cat sits. It rains."]), request, 0)
    assert filled.answer.fields[Field.LONG] == "A cat sits. It rains."
    expansion, model = ours([], tags="cat", caption="A cat.", tag_length=None)
    assert (expansion.tags, expansion.caption, model.prompts) == ("cat", "A cat.", [])


def test_8_a_field_goes_on_from_what_it_has(theirs: Theirs) -> None:
    script = [f" {counted(5)}", f" {counted(5, 'more')}", f" {counted(9, 'most')}"]
    result = theirs.run(
        script, "", "A cat sits.", expand_prompt=False, tag_length_target="very_short"
    )
    assert all(prompt.count("\ntag:") == 2 for prompt in theirs.prompts[1:])
    assert len(theirs.prompts) > 2 and sorted(result["general"]) == split_tags(counted(5))
    # Its own pack meets this with every caption that ended short.
    theirs.prompts.clear()
    wanted: dict[str, Any] = {"expand_tags": False, "generate_extra_nl_prompt": True}
    theirs.run([" A cat. It sits.", " It rains."], "cat", **wanted)
    assert theirs.prompts[1].endswith("\nlong: A cat. It sits\nlong:")
    endless = (f" {number}{' word' * 400}." for number in range(99))
    theirs.run(endless, "cat", "A cat.", expand_tags=False, nl_length_target="very_long")
    assert len(theirs.prompts[-1].split()) > 2048  # the context

    expansion, model = ours(script, caption="A cat sits.")
    assert all(prompt.count("\ntag:") == 1 for prompt in model.prompts)
    assert expansion.tags == ", ".join([counted(5), counted(5, "more")])


def test_11_a_line_with_a_colon_is_no_field(theirs: Theirs) -> None:
    text = "A girl. She sits.\nNote: she smiles."
    result = theirs.executor.parse_tipo_result(f"target: <|long|> <|tag_to_long|>\nlong: {text}")
    assert result["generated"] == "A girl. She sits." and result["Note"] == ["she smiles."]
    request = Request(Task.TAG_TO_LONG, Length.LONG, {Field.TAG: "1girl"})
    answer = read_answer(request, f" {text}")
    assert answer.fields == {Field.LONG: " A girl. She sits. Note: she smiles."}
    assert answer.meta == {} and not answer.well_formed
    expansion, _ = ours(
        [f" {text}", " It rains. Note: she smiles."],
        tags="1girl",
        tag_length=None,
        caption_length=Length.LONG,
    )
    assert expansion.caption == "A girl. She sits. It rains. Note: she smiles."


def test_12_nothing_is_no_sentence_and_a_full_stop_adds_none(theirs: Theirs) -> None:
    is_enough = theirs.executor.retry_criteria
    assert is_enough({"generated": ""}, slice(2, 3), "very_short")
    assert is_enough({"generated": "A cat sits."}, slice(2, 3), "short")  # which wants two
    assert (count_sentences(""), count_sentences("A cat sits.")) == (0, 1)
    expansion, _ = ours(
        [" A cat sits.", " It rains."],
        tags="cat",
        tag_length=None,
        caption_length=Length.SHORT,
    )
    assert expansion.caption == "A cat sits. It rains."
