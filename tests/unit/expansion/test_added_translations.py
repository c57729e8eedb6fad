"""Where the tags of foreign words stand: after their region, once, and under the bans."""

from __future__ import annotations

import pytest

from tipo_core.expansion.expand import expand
from tipo_core.expansion.json_form import expansion_json
from tipo_core.expansion.request import Expansion, ExpansionRequest
from tipo_core.expansion.task import TaskRequest, run_task
from tipo_core.expansion.tasks import Length, Task, TranslationMode
from tipo_core.expansion.user_text import UserTags

from .scripted import Scripted

ADD_TAGS, REPLACE = TranslationMode.ADD_TAGS, TranslationMode.REPLACE


def expanded(tags: str = "", caption: str = "", **values: object) -> Expansion:
    model = Scripted([" grass", " A window."], flows=True)
    asked = {"tag_length": Length.VERY_SHORT, "caption_length": None, **values}
    request = ExpansionRequest(tags=tags, caption=caption, **asked)  # type: ignore[arg-type]
    return expand(model, request)[0]


@pytest.mark.parametrize(
    ("typed", "tags"),
    [
        ("猫 BREAK 狗", "猫, cat BREAK 狗, dog, grass"),
        ("猫, BREAK\n狗", "猫, cat BREAK\n狗, dog, grass"),
        ("猫 AND 狗", "猫, cat AND 狗, dog, grass"),
        ("猫 :1.2 AND 狗", "猫, cat :1.2 AND 狗, dog, grass"),
        ("猫 BREAK cat, 猫 BREAK 猫", "猫, cat BREAK cat, 猫 BREAK 猫, cat, grass"),
        ("(猫 BREAK 狗:1.2), 鸟", "(猫, cat BREAK 狗:1.2), 鸟, dog, bird, grass"),
        ("猫 # note\nBREAK 狗", "猫 # note\ncat\nBREAK 狗, dog, grass"),
    ],
)
def test_each_region_has_the_tags_of_its_words(typed: str, tags: str) -> None:
    assert expanded(typed).tags == tags


def test_each_region_of_a_caption_has_the_tags_of_its_words() -> None:
    result = expanded(caption="一只猫 BREAK 一只狗", tag_length=None)
    assert result.caption == "一只猫。 cat. BREAK 一只狗。 dog."
    assert result.prompt == result.caption


def test_bans_hold_for_the_tags_of_foreign_words() -> None:
    result = expanded("猫, 狗", bans="cat")
    assert result.tags == "猫, 狗, dog, grass" and result.banned == {"cat": 1}
    assert expanded(caption="猫和狗", bans="cat").caption == "猫和狗。 dog."
    task = TaskRequest(Task.SHORT_TO_TAG, Length.VERY_SHORT, tags="猫", short="狗", bans="cat\ndog")
    written = run_task(Scripted([" grass"]), task)
    assert (written.tags, written.short) == ("猫, grass", "狗")
    assert written.banned == {"cat": 1, "dog": 1}
    # In place of the words they are the user's own text.
    assert expanded("猫", bans="cat", translation=REPLACE).tags == "cat, grass"


def test_unwanted_words_add_nothing() -> None:
    for typed in ("-1::猫::, 狗", "(猫:-1), 狗"):
        assert expanded(typed, tag_length=None).tags == f"{typed}, dog"
        task = TaskRequest(Task.SHORT_TO_TAG, Length.VERY_SHORT, tags=typed, short="鸟")
        written = run_task(Scripted([" grass"]), task)
        assert written.tags == f"{typed}, dog, grass" and "cat" not in written.prompt


def test_no_tag_is_added_twice() -> None:
    assert expanded("1girl", "一个女孩").prompt == "1girl\n\n一个女孩\n\ngrass"
    result = expanded(caption="女孩girl红色red裙子")
    assert result.caption == "女孩girl红色red裙子。 1girl, dress."
    assert result.prompt.count("1girl") == 1 and result.prompt.count("dress") == 1


def test_the_fields_are_the_users_text_and_the_additions() -> None:
    fields = expanded("猫", "红伞").fields
    assert (fields["user"], fields["added"]) == ("猫", "cat, grass")
    assert (fields["caption"], fields["continued"]) == ("红伞", "red umbrella.")
    result = expanded("猫", "红伞")
    assert result.added == "cat, grass\nred umbrella."
    assert (result.added_tags, result.added_caption) == (("grass",), "")
    assert expansion_json(result)["added"] == result.added
    assert expanded("猫", tag_length=None).added == "cat"


def test_replaced_words_are_spelled_as_the_users_tags() -> None:
    result = expanded("long_hair, 蓝眼睛, (橙子:1.2)", translation=REPLACE)
    assert result.tags == r"long_hair, blue_eyes, (orange_\(fruit\):1.2), grass"
    assert expanded(caption="橙子", translation=REPLACE).caption == r"orange \(fruit\)"
    assert expanded(caption="橙子").caption == r"橙子。 orange \(fruit\)."


def test_words_that_two_languages_share_keep_the_meaning_of_their_text() -> None:
    """The model reads each tag in the language of the whole text."""
    user = UserTags("人参, うさぎ", mode=ADD_TAGS)
    assert user.plain == ["carrot", "rabbit"]
    assert user.added_tags == ("carrot", "rabbit")
