"""The guide of the pair table: what it proposes, prefers and refuses, and the flow around it."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from tipo_core.expansion.expand import expand
from tipo_core.expansion.json_form import read_request
from tipo_core.expansion.pair_prior.guide import TagGuide
from tipo_core.expansion.pair_prior.word_repeats import WordRepeats
from tipo_core.expansion.policy import (
    CONTRADICTS,
    NOT_KNOWN,
    OFF_SUBJECT,
    REPEATED,
    TagPolicy,
)
from tipo_core.expansion.request import Expansion, ExpansionRequest
from tipo_core.expansion.tasks import Field, Length
from tipo_core.expansion.user_text import UserTags
from tipo_core.lm.generate.completion import CompletionRequest, Generation, Result
from tipo_core.prompt.persons.persons import persons_of

from ..scripted import Scripted


def guide_of(*tags: str, caption: str = "") -> TagGuide:
    return TagGuide(tags, [caption], persons_of(tags, [caption]))


def nats_of(guide: TagGuide) -> dict[str, float]:
    bias = guide.bias()
    return dict(zip(bias.vocabulary, bias.nats(), strict=True))


def test_what_goes_with_the_prompt_is_preferred() -> None:
    nats = nats_of(guide_of("1girl", "witch"))
    assert nats["witch hat"] > 3 and -1 < nats["smile"] < 1
    assert nats_of(guide_of("1girl"))["witch hat"] == -math.inf


@pytest.mark.parametrize("tag", ["heart", "ice cream", "monochrome", "no humans", "witch"])
def test_what_fits_nothing_is_never_written(tag: str) -> None:
    assert nats_of(guide_of("1girl", "witch"))[tag] == -math.inf


def test_a_written_tag_is_not_written_again_and_counts_as_evidence() -> None:
    guide = guide_of("1girl")
    before = nats_of(guide)
    guide.note("witch", is_accepted=True)
    after = nats_of(guide)
    assert after["witch"] == -math.inf and after["witch hat"] > before["witch hat"]


def test_the_looks_of_a_named_character_are_not_made_up() -> None:
    nats = nats_of(guide_of("hatsune miku", "1girl"))
    for tag in ("black hair", "red eyes", "animal ears", "dark skin"):
        assert nats[tag] == -math.inf, tag
    assert -1 < nats["smile"] < 1


def test_beside_persons_the_scene_alone_is_proposed() -> None:
    proposed = guide_of("1girl", "library").propose(9, 1, lambda _: False)
    assert proposed and not {"no humans", "still life", "animal focus"} & set(proposed)
    cold = {"snow", "ice", "winter", "cold", "blizzard"}
    assert cold & set(guide_of("penguin", "iceberg").propose(9, 1, lambda _: False))


def proposals(caption: str, *tags: str) -> set[str]:
    return {
        tag
        for seed in range(12)
        for tag in guide_of(*tags, caption=caption).propose(9, seed, lambda _: False)
    }


@pytest.mark.parametrize(
    ("caption", "unwanted"),
    [
        # A place in a room rules out the open air, and the room another room.
        ("a spider in a sewer", {"outdoors", "meadow", "blue sky", "sky"}),
        ("Inside a temple a panda plays.", {"outdoors", "forest", "sky"}),
        ("an empty classroom", {"hallway", "bedroom", "library"}),
        ("a red balloon hanging from a ceiling fan", {"sky", "city", "valley", "mountain"}),
        # A thing fits the place.
        ("a bottle on a wooden table on a snowy mountain top", {"curtains", "tablecloth"}),
        ("a train in the waves of the ocean", {"utility pole", "bench"}),
        # A detail brings no things.
        ("a statue made of rainbow pipe cleaners", {"machinery", "steam", "tools"}),
        ("a train at the sea while gulls fly with a seagull", {"wings", "feathers", "beak"}),
        ("iron man in a laboratory", {"mecha focus", "object focus"}),
        # Style brings no things.
        (
            "a painting of a fox, canvas texture, camera, art by studio nova",
            {"paint", "easel", "lens"},
        ),
    ],
)
def test_things_need_evidence_from_the_subject(caption: str, unwanted: set[str]) -> None:
    assert not unwanted & proposals(caption)


@pytest.mark.parametrize(
    ("tags", "unwanted"),
    [
        (("scarlet witch",), {"witch hat", "broom", "cauldron"}),
        (("blue archive", "1girl"), {"bookshelf", "book stack", "ladder", "desk"}),
        (("fantasy", "cat", "chair"), {"waterfall", "castle", "floating island"}),
    ],
)
def test_words_of_names_and_genres_bring_no_things(
    tags: tuple[str, ...], unwanted: set[str]
) -> None:
    assert not unwanted & proposals("", *tags)


def test_a_cheerful_prompt_gets_no_darkness() -> None:
    assert not {"dark", "night", "fog", "storm"} & proposals("", "lighthouse", "cheerful", "joyful")
    assert {"night", "fog", "storm", "dark"} & proposals("", "lighthouse")


def test_men_of_words_get_no_long_hair_without_evidence() -> None:
    assert nats_of(guide_of(caption="two men laughing"))["long hair"] == -math.inf
    assert nats_of(guide_of("1boy"))["long hair"] > -math.inf


def test_a_persons_wear_needs_more_than_a_thing_near_him() -> None:
    nats = nats_of(guide_of(caption="a man sitting in front of a computer"))
    assert nats["lanyard"] == nats["necktie"] == -math.inf
    nats = nats_of(guide_of(caption="a painting of a man under a tree"))
    assert nats["apron"] == -math.inf


def test_a_list_gives_one_colour_of_hair_and_eyes() -> None:
    guide = guide_of("2girls", "beach")
    guide.note("grey hair", is_accepted=True)
    assert guide.refuse("white hair") == guide.refuse("two-tone hair") == CONTRADICTS
    assert guide.refuse("blue eyes") is None


def test_persons_of_words_have_natural_colours() -> None:
    nats = nats_of(guide_of(caption="a firefighter in a street"))
    assert nats["purple hair"] == nats["red eyes"] == -math.inf < nats["brown hair"]
    assert nats_of(guide_of("1girl", "street"))["purple hair"] > -math.inf


def test_a_gloomy_prompt_gets_no_smile() -> None:
    assert nats_of(guide_of(caption="two soldiers in a war"))["smile"] == -math.inf
    assert guide_of(caption="two soldiers in a war").refuse("smile") == CONTRADICTS


def test_a_tag_in_the_users_words_is_not_added_again() -> None:
    guide = guide_of(caption="a man in a coat, upper body")
    assert guide.refuse("upper body") == REPEATED


def test_a_long_prompt_gets_four_tags() -> None:
    many = ", ".join(f"word{n}" for n in range(50))
    expansion, _ = guided([" smile, upper body,"], tags=f"1girl, {many}")
    assert len(expansion.added_tags) >= 4


def test_dress_of_one_sex_needs_a_known_sex() -> None:
    expansion, _ = guided([" white dress, beard, smile,"] * 3, caption="A person on a hill")
    assert not {"white dress", "beard"} & set(expansion.added_tags)


def test_a_refused_tag_is_not_proposed() -> None:
    first = guide_of("library").propose(9, 1, lambda _: False)
    other = guide_of("library").propose(9, 1, lambda tag: tag in first)
    assert other and not set(first) & set(other)


@pytest.mark.parametrize(
    ("before", "tag", "repeats"),
    [
        ("white apron", "apron", True),
        ("white apron", "waist apron", True),
        ("holding broom", "holding staff", True),
        ("blurry background", "blurry", True),
        ("black hair", "long hair", False),
        ("blue eyes", "closed eyes", False),
        ("hat", "scarf", False),
    ],
)
def test_a_tag_that_says_nothing_new_is_a_repetition(before: str, tag: str, repeats: bool) -> None:
    words = WordRepeats()
    words.add(before)
    assert words.repeats(tag) is repeats


def test_a_typed_tag_may_be_refined() -> None:
    guide = guide_of("1girl", "hat")
    assert guide.refuse("witch hat") is None and guide.refuse("zqx") == NOT_KNOWN
    guide.note("witch hat", is_accepted=True)
    assert guide.refuse("top hat") == REPEATED


def test_a_sentence_keeps_to_the_subject() -> None:
    guide = guide_of("no humans", "penguin", "iceberg")
    assert guide.refuse_sentence("A penguin is standing on an iceberg.") is None
    assert guide.refuse_sentence("A penguin is standing by a car.") == OFF_SUBJECT
    assert guide.refuse_sentence("A giraffe is standing on a kitchen table.") == OFF_SUBJECT


@pytest.mark.parametrize(
    ("tags", "sentence", "fits"),
    [
        (("2girls", "beach"), "Two girls are on a beach.", True),
        (("2girls", "beach"), "A girl is on a beach.", False),
        (("1boy", "beach"), "A boy is on a beach.", True),
        (("a group of children", "beach"), "A girl is on a beach.", False),
        (("1girl", "beach"), "It is a beach.", True),
    ],
)
def test_a_sentence_has_the_persons_of_the_prompt(
    tags: tuple[str, ...], sentence: str, fits: bool
) -> None:
    assert (guide_of(*tags).refuse_sentence(sentence) is None) is fits


def test_a_caption_without_a_fitting_sentence_stays_empty() -> None:
    giraffes = [f"A giraffe eats {word}. X" for word in ("grass", "cake", "rice", "soup")] * 20
    model = Scripted(giraffes)
    request = ExpansionRequest(
        "penguin, iceberg", tag_length=None, caption_length=Length.SHORT, pair_prior=True
    )
    assert expand(model, request)[0].caption == "" and len(model.prompts) <= 6


class Guided(Scripted):
    """A scripted model that wants the pair prior; keeps whether its requests had a bias."""

    uses_pair_prior = True

    def _run(self, generation: Generation[Result]) -> Result:
        self.biased: list[bool] = []
        return super()._run(generation)

    def _completion(self, request: CompletionRequest):  # type: ignore[no-untyped-def]
        self.biased.append(request.tag_bias is not None)
        return super()._completion(request)


def guided(script: list[str], **request: object) -> tuple[Expansion, Guided]:
    model = Guided(script)
    values = {"tag_length": Length.SHORT, "caption_length": None, **request}
    return expand(model, ExpansionRequest(**values))[0], model  # type: ignore[arg-type]


def test_without_persons_no_model_is_needed() -> None:
    expansion, model = guided([], tags="penguin, iceberg")
    assert "no humans" in expansion.added_tags and len(expansion.added_tags) >= 4
    assert not model.prompts


def test_for_persons_the_model_writes_with_a_bias() -> None:
    expansion, model = guided([" witch hat, smile, black dress, zqx,"], tags="1girl, witch")
    assert model.biased[0] and {"witch hat", "smile"} <= set(expansion.added_tags)
    assert "zqx" not in expansion.added_tags
    assert len(expansion.added_tags) <= 9


def test_persons_named_in_words_are_counted() -> None:
    expansion, model = guided([" holding cup, smile, scarf,"], caption="A man drinking coffee")
    assert expansion.added_tags[0] == "1boy" and "tag: 1boy" in model.prompts[0]
    assert expansion.caption == "A man drinking coffee"
    banned, model = guided([" smile,"], caption="A man drinking coffee", bans="1boy")
    assert "1boy" not in banned.added_tags and "tag: 1boy" in model.prompts[0]


def test_the_first_sentence_of_a_caption_is_about_the_prompt() -> None:
    answers = [" The view is a close-up.", " Sunlight falls on the wooden floor.", " A cat sits."]
    opened = ExpansionRequest("cat, window", caption_length=Length.SHORT, pair_prior=True)
    assert expand(Scripted(answers), opened)[0].added_caption.startswith("A cat sits.")
    continued = replace(opened, tags="window", caption="A cat sits by a window.")
    written = expand(Scripted([" The background is softly blurred.\n"]), continued)[0]
    assert written.added_caption == "The background is softly blurred."
    guide = guide_of("1boy", "knight")
    assert guide.is_about_prompt("He holds a shield.")
    assert not guide.is_about_prompt("Smoke drifts through the air.")


@pytest.mark.parametrize(
    ("here", "elsewhere", "unfit"),
    [("outdoors", "indoors", "couch"), ("indoors", "outdoors", "tree"), ("day", "night", "moon")],
)
def test_a_prompt_after_and_is_judged_by_its_own_words(
    here: str, elsewhere: str, unfit: str
) -> None:
    user = UserTags(f"{elsewhere} AND {here}")
    assert user.elsewhere == {elsewhere}
    policy = TagPolicy(user.plain, elsewhere=user.elsewhere)
    assert policy.refuse(Field.TAG, {"day": "night sky", "night": "day"}.get(here, elsewhere))
    guide = TagGuide(user.plain, [""], persons_of(user.plain, []), user.elsewhere)
    assert unfit not in guide.propose(12, 1, lambda tag: bool(policy.refuse(Field.TAG, tag)))
    both = UserTags(f"{elsewhere}, {here}")
    assert not both.elsewhere


def test_break_divides_no_prompt() -> None:
    assert not UserTags("1girl BREAK forest").elsewhere
    assert UserTags("1girl, hat AND 1girl, scarf :0.5").elsewhere == {"hat"}


def test_a_prompt_without_a_known_word_gets_few_answers() -> None:
    script = [answer for _ in range(20) for answer in (" zqx,", " zqy zqz,", " smile, zqx,")]
    for tags in ("!?", "...", "the"):
        expansion, _ = guided(script, tags=tags)
        assert expansion.passes[0].result.answers <= 7, tags
        assert len(expansion.added_tags) >= 4


@pytest.mark.parametrize("sentence", ["The.", "A.", "It is.", "There."])
def test_function_words_alone_are_no_caption(sentence: str) -> None:
    expansion, _ = guided(
        [f" {sentence}"], tags="zorbl", tag_length=None, caption_length=Length.SHORT
    )
    assert not expansion.added_caption
    assert guide_of("!?").is_fragment(sentence)
    assert not guide_of("!?").is_fragment("A cat.")


def test_the_prior_can_be_chosen() -> None:
    off, model = guided([" heart, sword, smile"], tags="penguin", pair_prior=False, safe=False)
    assert not model.biased[0]
    on = expand(Scripted([]), ExpansionRequest("penguin, iceberg", "", pair_prior=True))[0]
    assert "no humans" in on.added_tags
    assert off.added_tags != on.added_tags


def test_a_drawing_of_the_demo_is_left_to_the_model() -> None:
    toy = {"artist": "toy-sd"}
    expansion, model = guided([" smooth, one moon"], tags="planet, wide ring", meta=toy)
    assert expansion.added_tags == ("smooth", "one moon") and not model.biased[0]
    assert "toy-sd" not in model.prompts[0] and "toy-sd" not in expansion.prompt
    expansion, _ = guided([" smooth"], tags="planet, wide ring", meta=toy, pair_prior=True)
    assert "smooth" not in expansion.added_tags


@pytest.mark.parametrize("tags", ["planet, wide ring", "potted plant, windowsill", "red sun"])
def test_words_of_the_demo_alone_ask_for_no_drawing_of_it(tags: str) -> None:
    expansion, _ = guided([" smooth, one moon"], tags=tags)
    assert expansion.added_tags and "one moon" not in expansion.added_tags


def test_the_line_of_the_demo_has_no_effect_on_other_prompts() -> None:
    expansion, _ = guided([" smooth"], tags="penguin, iceberg", meta={"artist": "toy-sd"})
    assert "no humans" in expansion.added_tags


def test_the_seed_decides_the_proposals() -> None:
    def tags(seed: int) -> tuple[str, ...]:
        return guided([], tags="castle, night", seed=seed)[0].added_tags

    assert tags(1) == tags(1)
    assert len({tags(seed) for seed in range(8)}) >= 6


def test_a_length_that_must_be_reached_is_filled_by_the_model() -> None:
    rest = ", ".join(f"tag {n}" for n in range(40))
    expansion, model = guided([" " + rest], tags="penguin, iceberg", at_least=True)
    assert expansion.passes[0].result.count >= 18 and not model.biased[0]


def test_a_request_in_json_may_leave_the_choice_to_the_model() -> None:
    for value in (None, True, False):
        assert read_request(ExpansionRequest, {"pair_prior": value}).pair_prior is value
    with pytest.raises(ValueError, match="pair_prior is 'on' in the request: write true"):
        read_request(ExpansionRequest, {"pair_prior": "on"})
