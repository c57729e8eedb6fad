"""Chinese and Japanese descriptions of pictures, made of small word lists by a grammar.

The split needs the form of such captions, not their content:
particles, aspect, places, comparisons, and four-character descriptions in a row.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from .word_lists import words

_ZH_SUBJECTS = words("zh_subjects")
_ZH_BARE = words("zh_bare")
_ZH_MEASURES = words("zh_measures")
_ZH_PLACES = words("zh_places")
_ZH_AFTER_PLACE = words("zh_after_place")
_ZH_ACTIONS = words("zh_actions")
_ZH_HOLDING = words("zh_holding")
_ZH_OBJECTS = words("zh_objects")
_ZH_ADJECTIVES = words("zh_adjectives")
_ZH_TOPICS = words("zh_topics")
_ZH_STATES = words("zh_states")
_ZH_FOUR = words("zh_four")
_ZH_LIKES = words("zh_likes")
_ZH_IMAGES = words("zh_images")
_ZH_ADVERBS = words("zh_adverbs")
_ZH_TAGS = words("zh_tags")
_TRADITIONAL = str.maketrans({pair[0]: pair[1] for pair in words("traditional")})
_JA_SUBJECTS = words("ja_subjects")
_JA_PLACES = words("ja_places")
_JA_TE = words("ja_te")
_JA_OBJECTS = words("ja_objects")
_JA_OBJECT_TE = words("ja_object_te")
_JA_ENDS = words("ja_ends")
_JA_ADJECTIVES = words("ja_adjectives")
_JA_IMAGES = words("ja_images")
_JA_TAGS = words("ja_tags")


def chinese_tag(rng: random.Random) -> str:
    """A tag of a prompt, also one of two words."""
    kind = rng.random()
    if kind < 0.55:
        return rng.choice(_ZH_TAGS)
    if kind < 0.75:
        return rng.choice(_ZH_ADJECTIVES) + rng.choice(("", "的")) + rng.choice(_ZH_SUBJECTS)
    if kind < 0.9:
        return rng.choice(_ZH_TOPICS) + rng.choice(("特写", "细节", "背景", "效果", "风格"))
    return rng.choice(_ZH_SUBJECTS)


def japanese_tag(rng: random.Random) -> str:
    """A tag of a prompt."""
    if rng.random() < 0.75:
        return rng.choice(_JA_TAGS)
    return rng.choice(_JA_ADJECTIVES) + rng.choice(_JA_SUBJECTS)


def chinese_clauses(rng: random.Random) -> list[str]:
    """The clauses of a sentence, at least one of them with a verb or a particle."""
    clauses = [rng.choice(_ZH_FIRST)(rng)]
    wanted = rng.choices((1, 2, 3, 4, 6), (3, 4, 4, 2, 1))[0]
    while len(clauses) < wanted:
        clauses.append(rng.choice(_ZH_NEXT)(rng))
    return clauses


def japanese_clauses(rng: random.Random) -> list[str]:
    """The clauses of a sentence; the last one ends it."""
    clauses = [rng.choice(_JA_MIDDLE)(rng) for _ in range(rng.choices((0, 1, 2), (5, 3, 2))[0])]
    return [*clauses, rng.choice(_JA_LAST)(rng)]


def traditional(text: str) -> str:
    """The text with the commonest traditional characters."""
    return text.translate(_TRADITIONAL)


def _zh_noun(rng: random.Random) -> str:
    if rng.random() < 0.3:
        return rng.choice(_ZH_BARE)
    adjective = rng.choice(_ZH_ADJECTIVES) + "的" if rng.random() < 0.4 else ""
    return rng.choice(_ZH_MEASURES) + adjective + rng.choice(_ZH_SUBJECTS)


def _zh_place(rng: random.Random) -> str:
    return rng.choice(_ZH_PLACES) + rng.choice(_ZH_AFTER_PLACE)


def _zh_at(rng: random.Random) -> str:
    action = rng.choice(_ZH_ACTIONS)
    if rng.random() < 0.5:
        return f"{action}在{_zh_place(rng)}"
    return f"在{_zh_place(rng)}{rng.choice(_ZH_ADVERBS) if rng.random() < 0.3 else ''}{action}"


def _zh_does(rng: random.Random) -> str:
    return rng.choice(("正在", "正", "", "独自")) + rng.choice(_ZH_ACTIONS)


def _zh_holds(rng: random.Random) -> str:
    adverb = rng.choice(_ZH_ADVERBS) if rng.random() < 0.2 else ""
    verb = rng.choice(_ZH_HOLDING)
    return adverb + verb + ("着" if len(verb) < 2 or rng.random() < 0.4 else "") + rng.choice(
        _ZH_OBJECTS
    )  # fmt: skip


def _zh_is(rng: random.Random) -> str:
    return f"是{rng.choice(_ZH_ADJECTIVES)}的{rng.choice(_ZH_SUBJECTS)}"


def _zh_has(rng: random.Random) -> str:
    place = rng.choice(_ZH_BARE) if rng.random() < 0.4 else _zh_place(rng)
    verb = rng.choice(("有", "有着", "是", "长着", "挂着", "摆放着", "布满了", "出现了", "位于"))
    return f"{place}{verb}{rng.choice(_ZH_MEASURES)}{rng.choice(_ZH_SUBJECTS)}"


def _zh_state(rng: random.Random) -> str:
    adverb = rng.choice(("", "", "", "非常", "十分", "显得"))
    return rng.choice(_ZH_TOPICS) + adverb + rng.choice(_ZH_STATES)


def _zh_like(rng: random.Random) -> str:
    topic, like = rng.choice(_ZH_TOPICS), rng.choice(_ZH_LIKES)
    thing = rng.choice((*_ZH_SUBJECTS, *_ZH_TOPICS))
    ending = rng.choice(("", "一般", "一样", "般" + rng.choice(_ZH_STATES)))
    return topic + rng.choice(("", rng.choice(_ZH_STATES))) + like + thing + ending


def _zh_stands(rng: random.Random) -> str:
    subject = rng.choice((*_ZH_SUBJECTS, *_ZH_BARE))
    side = rng.choice(("左方", "右侧", "画面下方", "中央", "画面右上角", "前景", "远方", "高处"))
    return subject + rng.choice(("位于", "居于", "处于", "站在", "坐落于")) + side


def _zh_uses(rng: random.Random) -> str:
    verb = rng.choice(("展现", "呈现", "营造", "勾勒", "突出", "强调", "增添", "形成", "捕捉"))
    thing = rng.choice((*_ZH_TOPICS, *_ZH_SUBJECTS))
    adjective = rng.choice(_ZH_ADJECTIVES)
    subject, result = rng.choice(("", "整体", "画面", "光影")), rng.choice(("出", "了", ""))
    return f"{subject}{verb}{result}{adjective}的{thing}"


def _zh_subject_does(rng: random.Random) -> str:
    return _zh_noun(rng) + rng.choice((_zh_at, _zh_does, _zh_holds))(rng)


def _zh_picture(rng: random.Random) -> str:
    image = rng.choice(_ZH_IMAGES)
    start = rng.choice(("一张", "一幅", "这是一张", "请画一幅", "生成一张"))
    inner = rng.choice((_zh_subject_does, _zh_noun, lambda _: rng.choice(_ZH_ADJECTIVES)))(rng)
    return f"{start}{inner}的{image}"


def _zh_noun_of(rng: random.Random) -> str:
    """``戴着帽子的女孩``"""
    inner = rng.choice((_zh_at, _zh_holds))(rng)
    return f"{rng.choice(_ZH_MEASURES)}{inner}的{rng.choice(_ZH_SUBJECTS)}"


def _zh_list(rng: random.Random) -> str:
    """``桌上有三种水果：苹果、梨、葡萄``"""
    things = [rng.choice(_ZH_SUBJECTS) for _ in range(rng.randint(2, 4))]
    start = rng.choice((rng.choice(_ZH_BARE), _zh_place(rng)))
    start += rng.choice(("有", "摆着", "有三种东西：", "是", "出现了几个角色：", "包括"))
    return start + rng.choice(("、", "、", "和")).join(things)


def _zh_four(rng: random.Random) -> str:
    return rng.choice(_ZH_FOUR)


_ZH_FIRST: tuple[Callable[[random.Random], str], ...] = (
    *(_zh_subject_does, _zh_subject_does, _zh_picture, _zh_has, _zh_noun_of, _zh_stands, _zh_noun),
    *(_zh_uses, _zh_list),
)
_ZH_NEXT: tuple[Callable[[random.Random], str], ...] = (
    *(_zh_at, _zh_does, _zh_holds, _zh_is, _zh_has, _zh_state, _zh_state, _zh_like, _zh_four),
    *(_zh_subject_does, _zh_stands, _zh_noun_of, _zh_uses),
)


def _ja_noun(rng: random.Random) -> str:
    return (rng.choice(_JA_ADJECTIVES) if rng.random() < 0.4 else "") + rng.choice(_JA_SUBJECTS)


def _ja_does(rng: random.Random) -> str:
    place = rng.choice(_JA_PLACES) + rng.choice("でに") if rng.random() < 0.6 else ""
    if rng.random() < 0.5:
        return place + rng.choice(_JA_TE)
    return f"{place}{rng.choice(_JA_OBJECTS)}を{rng.choice(_JA_OBJECT_TE)}"


def _ja_sentence(rng: random.Random) -> str:
    return f"{_ja_noun(rng)}{rng.choice('がはがも')}{_ja_does(rng)}{rng.choice(_JA_ENDS)}"


def _ja_of(rng: random.Random) -> str:
    return f"{_ja_does(rng)}いる{_ja_noun(rng)}" + rng.choice(
        ("", f"の{rng.choice(_JA_IMAGES)}", f"を描いた{rng.choice(_JA_IMAGES)}")
    )


def _ja_is(rng: random.Random) -> str:
    return f"{_ja_noun(rng)}は{rng.choice(_JA_ADJECTIVES)}{rng.choice(_JA_SUBJECTS)}" + rng.choice(
        ("です", "だ", "である", "のようだ", "に見える")
    )


def _ja_joined(rng: random.Random) -> str:
    return rng.choice((_ja_noun(rng) + "が", "")) + _ja_does(rng) + rng.choice(("", "おり"))


def _ja_scene(rng: random.Random) -> str:
    """``花の咲く庭で``"""
    verb = rng.choice(("降る", "咲く", "見える", "輝く", "広がる", "吹く", "昇る"))
    place = rng.choice(("夜", "朝", "街", "庭", "丘", "道", "夕方", "窓辺"))
    return (
        rng.choice(_JA_SUBJECTS) + rng.choice("のが") + verb + place + rng.choice(("", "で", "に"))
    )


_JA_MIDDLE = (_ja_joined, _ja_joined, _ja_of, _ja_scene)
_JA_LAST = (_ja_sentence, _ja_sentence, _ja_of, _ja_is)
