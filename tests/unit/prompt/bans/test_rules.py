"""Ban rules: each kind of entry, on tags and in sentences."""

from __future__ import annotations

import contextlib
import random
import sys
import time
from collections.abc import Callable
from itertools import pairwise

import pytest

from tipo_core.prompt import Bans


def reason(rules: str, tag: str, *present: str) -> str | None:
    return Bans.parse(rules).reason(tag, present)


def sentence_reason(rules: str, sentence: str, *present: str) -> str | None:
    return Bans.parse(rules).sentence_reason(sentence, present)


@pytest.mark.parametrize("tag", ["chat log", "that", "hatsune miku", "hats", "white hat", "ha", ""])
def test_an_exact_entry_bans_nothing_else(tag: str) -> None:
    assert reason("hat", tag) is None


@pytest.mark.parametrize(
    ("rules", "tag"),
    [
        ("hat", "hat"),
        ("hat", "HAT"),
        ("long_hair", "long hair"),
        ("long hair", "long_hair"),
        ("1girl", "one girl"),
        ("miku (append)", "miku_\\(append\\)"),
        (":)", ":)"),
        ("*hat", "witch_hat"),
        ("*hat", "hat"),
        ("red*hat", "red witch hat"),
        ("*hair*", "hair ornament"),
        ("blue_*", "blue eyes"),
        ("\\*_\\*", "*_*"),
        ("/hat$/", "witch hat"),
        ("/^(red|blue) \\w+/", "blue_eyes"),
        ("/a{1,2}b/", "aab"),
        ("/\\//", "a/b"),
        ("@meta", "highres"),
        ("@quality", "best_quality"),
        ("@artist", "artist:wlop"),
    ],
)
def test_entries_that_ban(rules: str, tag: str) -> None:
    assert reason(rules, tag) == rules
    assert reason(f"umbrella,\n, {rules} ,,", tag) == rules


@pytest.mark.parametrize(
    ("rules", "tag"),
    [
        ("*hat", "hats"),
        ("hat*", "white hat"),
        ("a*a", "a"),
        ("/^hat$/", "that"),
        ("@meta", "cat ears"),
        ("blue_*", "bluebird"),
        ("*_*", "cat ears"),
    ],
)
def test_entries_that_do_not(rules: str, tag: str) -> None:
    assert reason(rules, tag) is None


@pytest.mark.parametrize("rules", ["", " ", ",", "\n,\n ,", "@x = a, b"])
def test_empty_rules_ban_nothing(rules: str) -> None:
    assert reason(rules, "a") is None
    assert reason(rules, "") is None
    assert sentence_reason(rules, "A cat.") is None


def test_groups() -> None:
    rules = "@clothing = *skirt, *dress, @tops\n@tops = shirt, /t-?shirt/\n@clothing"
    for tag in ("miniskirt", "white dress", "shirt", "tshirt"):
        assert reason(rules, tag) == "@clothing"
    assert reason(rules, "cat") is None
    assert sentence_reason(rules, "She wears a red dress.") == "@clothing"


def test_conditions() -> None:
    rules = "if 1boy: skirt, *dress\nif 1girl, solo: hat\nhat*"
    assert reason(rules, "skirt") is None
    assert reason(rules, "skirt", "one boy") == "if 1boy: skirt"
    assert reason(rules, "red dress", "1boy", "solo") == "if 1boy: *dress"
    assert reason(rules, "hat", "1girl") == "hat*"
    assert reason(rules, "hat", "1girl", "solo") == "if 1girl, solo: hat"
    assert reason("if @quality: hat", "hat", "masterpiece") == "if @quality: hat"
    assert sentence_reason(rules, "A skirt.", "1boy") == "if 1boy: skirt"
    assert sentence_reason(rules, "A skirt.") is None
    assert reason("if they mated", "if they mated") == "if they mated"


@pytest.mark.parametrize(
    ("rules", "sentence", "banned"),
    [
        ("hat", "She wears a hat.", True),
        ("hat", "They wear hats!", True),
        ("hat", "She says that the chat is hatched.", False),
        ("*hat", "She says that the chat is fun.", False),
        ("*hat", "A witch hat.", True),
        ("*skirt*", "A pleated skirt, red.", True),
        ("long_hair", "Her LONG hair flows.", True),
        ("long hair", "Along hairy paths.", False),
        ("red*hat", "A red pointy hat.", True),
        ("red*hat", "A red door. That hat.", False),
        ("/hat|cap/", "She says that it is a cape.", False),
        ("/hat|cap/", "A cap.", True),
        ("/red \\w+/", "A red dress.", True),
        (":)", "She smiles :)", True),
        ("@artist", "A picture by an artist.", False),
        ("dress", "Two dresses.", True),
    ],
)
def test_sentences(rules: str, sentence: str, banned: bool) -> None:
    assert sentence_reason(rules, sentence) == (rules if banned else None)


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ("a, /(/", r"ban entry '/\(/': .*without.*correct the regular expression"),
        ("/(?=a)/", r"not supported"),
        ("if 1boy: /[/", r"ban entry '/\[/'"),
        (
            "@nope",
            r"'@nope': there is no such category or group: use one of @artist, .*@nope = ",
        ),
        ("if @nope: a", r"@nope"),
        ("@a = @nope", r"@nope"),
        ("@artist = a", r"already a category"),
        ("@a = @b\n@b = @a\n@a", r"contains itself"),
        ("@a = @a", r"contains itself"),
        ("*", r"bans every tag"),
        ("/" + "(a{99}){99}" + "/", r"too large"),
    ],
)
def test_errors_quote_the_entry(rules: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Bans.parse(rules)


def test_all_mistakes_are_named_at_once_and_each_once() -> None:
    rules = """@artist = a
@mine = @nope, /(/
@circle = @circle
hat, *, /[/
if @never: coat, /[/"""
    with pytest.raises(ValueError, match="ban entry") as caught:
        Bans.parse(rules)
    lines = str(caught.value).splitlines()
    assert [line.split("'")[1] for line in lines] == [
        *("@artist = a", "@nope", "/(/", "@circle", "*", "/[/", "@never")
    ]


def test_nothing_hangs() -> None:
    start = time.perf_counter()
    bans = Bans.parse("/(a+)+$/, /(a|aa)+b/, *a*a*a*a*a*b, /(.*)*x$/")
    assert bans.reason("a" * 200 + "!", ()) is None
    assert Bans.parse("/(a+)+$/").reason("a" * 2000 + "!", ()) is None
    bans.sentence_reason("a" * 500 + "! " + "a a " * 50, ())
    bomb = "\n".join(f"@g{i} = " + ", ".join([f"@g{i + 1}"] * 10) for i in range(20))
    assert Bans.parse(bomb + "\n@g20 = hat\n@g0").reason("hat", ()) == "@g0"
    assert time.perf_counter() - start < 5


def test_rules_are_values() -> None:
    assert Bans.parse("hat, /a+/") == Bans.parse("hat,/a+/")
    assert hash(Bans.parse("hat")) == hash(Bans.parse("hat"))
    assert Bans().reason("hat", ()) is None


@pytest.mark.parametrize(
    "rules",
    [
        "no if 1boy",
        "if 1boy skirt",
        "skirt if 1boy",
        "hat, if 1boy: skirt",
        "no if 1boy: skirt",
        "if 1boy:",
        "IF  1boy",
        "@g = hat, skirt if 1boy",
        "if 1boy: dress if solo",
    ],
)
def test_an_if_in_the_wrong_place_is_named(rules: str) -> None:
    """It was read as a tag that no model writes: the rule banned nothing, without a word."""
    with pytest.raises(ValueError, match="a condition begins a line of its own") as caught:
        Bans.parse(rules)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "rules", ["if they mated", "if_they_mated", "what if", "wifi", "gif", "/ if /", "if a: :)"]
)
def test_tags_with_if_are_tags(rules: str) -> None:
    assert len(Bans.parse(rules).rules) == 1


def test_a_condition_needs_a_colon_that_is_no_face() -> None:
    bans = Bans.parse("if :d: skirt\nif ;): hat\nif a :b: c")
    assert [rule.entry for rule in bans.rules] == ["if :d: skirt", "if ;): hat", "if a: b: c"]


@pytest.mark.parametrize("count", [51, 60, 2_000, 20_000])
def test_groups_nested_too_deep_are_one_error(count: int) -> None:
    lines = [f"@g{n} = @g{n + 1}, tag {n}" for n in range(count)]
    with pytest.raises(ValueError, match="nested more than 50 deep: list the tags") as caught:
        Bans.parse("\n".join([*lines, f"@g{count} = last", "@g0"]))
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 200


def test_groups_may_be_nested_fifty_deep() -> None:
    lines = [f"@g{n} = @g{n + 1}, tag {n}" for n in range(49)]
    bans = Bans.parse("\n".join([*lines, "@g49 = last", "@g0"]))
    assert bans.reason("last", ()) == "@g0" and bans.reason("tag 0", ()) == "@g0"


@pytest.mark.parametrize("order", ["outer first", "inner first", "shuffled"])
def test_groups_nest_up_to_50_deep_in_any_order(order: str) -> None:
    def rules(depth: int) -> str:
        names = [f"g{number}" for number in range(depth)]
        lines = [f"@{outer} = @{inner}" for outer, inner in pairwise(names)]
        lines.append(f"@{names[-1]} = hat")
        if order == "inner first":
            lines.reverse()
        elif order == "shuffled":
            random.Random(depth).shuffle(lines)
        return "\n".join([*lines, "@g0"])

    assert reason(rules(50), "hat") == "@g0"
    for depth in (51, 60, 2_000):
        with pytest.raises(ValueError, match="nested more than 50 deep"):
            Bans.parse(rules(depth))


def test_errors_do_not_repeat_long_entries() -> None:
    for rules in ("@" + "a " * 50_000, "/(" + "a" * 100_000 + "/", "no if " + "a" * 100_000):
        with pytest.raises(ValueError) as caught:
            Bans.parse(rules)
        assert len(str(caught.value)) < 1000


def calls(run: Callable[[], object]) -> int:
    """Return the number of calls of Python and C functions."""
    count = 0

    def heard(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(heard)
    try:
        run()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize(
    ("line", "most"),
    [
        ("hair {n}", 35),
        ("long_hair_{n}_(series)", 45),
        ("*hair {n}", 60),
        ("/hair {n}/", 35),
        ("/t{n}$/", 35),
        ("/^(red|blue) (hat|cap) {n}[0-9a-f]?$/", 35),
        ("if a{n}: b{n}", 60),
        ("if 1boy: hair {n}", 50),
        ("@g{n} = hair {n}", 60),
    ],
)
def test_the_work_for_a_rule_is_small_and_does_not_grow(line: str, most: int) -> None:
    """100,000 rules take less than a second; here calls are counted, which no load changes."""
    few, many = ("\n".join(line.format(n=n) for n in range(count)) for count in (500, 2_000))
    first, second = calls(lambda: Bans.parse(few)), calls(lambda: Bans.parse(many))
    assert second < 4.2 * first
    assert second < 2_000 * most


@pytest.mark.parametrize(
    "text",
    ["if " + " " * 200_000 + "x", "if a" + " " * 200_000 + "x", "@" + " " * 200_000 + "x",
     "@a" + " " * 200_000 + "x", "hat" + " " * 200_000 + ", x", ":" * 200_000,
     "if " + ":(" * 99_999, "/" + "\\a" * 99_999, "/a" * 99_999, "*a" * 99_999],
    ids=["if", "if a", "@", "@a", "hat", "colons", "faces", "escapes", "slashes", "stars"],
)  # fmt: skip
def test_long_lines_take_linear_time(text: str) -> None:
    """Blanks between `if` and the colon took quadratic time: these would run for minutes."""
    with contextlib.suppress(ValueError):
        Bans.parse(text)
