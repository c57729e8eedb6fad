"""The kind of each construct of the prompt language, and the words that the model sees."""

from __future__ import annotations

import pytest

from tipo_core.prompt import Span, SpanKind, escape_tag, parse


def plain(text: str) -> list[str]:
    return [segment.plain for segment in parse(text).segments()]


def kinds(text: str) -> list[str]:
    return [span.kind.value for span in parse(text).spans]


@pytest.mark.parametrize(
    ("text", "kind", "seen"),
    [
        # the eight spans that the pack of the model's author changes
        ("(blue_eyes:1.3)", SpanKind.WEIGHT, "blue eyes"),
        ("<lora:my_style_v2:0.8>", SpanKind.ANGLE, ""),
        ("embedding:easy_negative", SpanKind.EMBEDDING, ""),
        ("BREAK", SpanKind.BREAK, ""),
        ("[cat:dog:0.5]", SpanKind.SCHEDULE, "dog"),
        ("__color__", SpanKind.WILDCARD, ""),
        ("(a)", SpanKind.WEIGHT, "a"),
        ("((a))", SpanKind.WEIGHT, "a"),
        ("[a]", SpanKind.WEIGHT, "a"),
        ("{a}", SpanKind.WEIGHT, "a"),
        ("{a|b}", SpanKind.WILDCARD, ""),
        ("{2$$a|b}", SpanKind.WILDCARD, ""),
        ("{2$$__hair__}", SpanKind.WILDCARD, ""),
        ("$$", SpanKind.WILDCARD, ""),
        ("${name}", SpanKind.WILDCARD, ""),
        ("__hair/long_colors__", SpanKind.WILDCARD, ""),
        ("[a|b]", SpanKind.ALTERNATION, "a"),
        ("[|b]", SpanKind.ALTERNATION, "b"),
        ("[a::0.5]", SpanKind.SCHEDULE, "a"),
        ("[a:0.5]", SpanKind.SCHEDULE, "a"),
        ("[:b:0.5]", SpanKind.SCHEDULE, "b"),
        ("[a:b:0.8]", SpanKind.SCHEDULE, "a"),
        ("[a:b:0.2]", SpanKind.SCHEDULE, "b"),
        ("[a:b:12]", SpanKind.SCHEDULE, "b"),
        ("[a:b:80%]", SpanKind.SCHEDULE, "a"),
        ("[a:b:0.2,0.8]", SpanKind.SCHEDULE, "a"),
        ("[a:b:0.2,0.4]", SpanKind.SCHEDULE, "b"),
        ("[a::0.1,0.3]", SpanKind.SCHEDULE, "a"),
        ("[a:b:c:0.2,0.8]", SpanKind.SCHEDULE, "b"),
        ("[a:b:c:0.6,0.8]", SpanKind.SCHEDULE, "a"),
        ("[a:b:c:0.8,0.2]", SpanKind.SCHEDULE, "a"),
        ("[a:b:c:2,6]", SpanKind.SCHEDULE, "c"),
        ("[a:b:c:0.1]", SpanKind.SCHEDULE, "b"),
        ("[::0.5]", SpanKind.SCHEDULE, ""),
        ("[a|b:0.2]", SpanKind.ALTERNATION, "a"),
        ("[|b:3]", SpanKind.ALTERNATION, "b"),
        ("[(a:1.2)|b:0.2]", SpanKind.ALTERNATION, "a"),
        ("[a|b:c:0.2]", SpanKind.SCHEDULE, "c"),
        (r"[a\:b:c:0.8]", SpanKind.SCHEDULE, "a:b"),
        (r"(16\:9)", SpanKind.WEIGHT, "16:9"),
        ("[(a:1.2):b:0.8]", SpanKind.SCHEDULE, "a"),
        ("[a:(b:1.2):0.3]", SpanKind.SCHEDULE, "b"),
        ("[a:b]", SpanKind.WEIGHT, "a:b"),
        ("[(a|b)]", SpanKind.WEIGHT, "a|b"),
        ("(embedding:name:1.2)", SpanKind.WEIGHT, ""),
        ("# a note", SpanKind.COMMENT, ""),
        ("<hypernet:x:1>", SpanKind.ANGLE, ""),
        ("<3", SpanKind.WORD, "<3"),
        ("<|>_<|>", SpanKind.WORD, "<|>_<|>"),
        ("#unicus", SpanKind.COMMENT, ""),
    ],
)
def test_single_construct(text: str, kind: SpanKind, seen: str) -> None:
    prompt = parse(text)
    assert [(span.kind, span.text) for span in prompt.spans] == [(kind, text)]
    (segment,) = prompt.segments()
    assert (segment.text, segment.plain) == (text, seen)
    assert segment.words == ((seen,) if seen else ())


@pytest.mark.parametrize(
    "tag",
    ["^_^", "0_0", ">_<", "o_o", "@_@", "||_||", "u_u", ":)", ":(", ";)", "=)", "(:", ":d", "+_-"],
)
def test_emoticons_are_words(tag: str) -> None:
    (segment,) = parse(tag).segments()
    assert segment.words == (tag,)
    assert plain(f"1girl, {tag}, (a:1.2)") == ["1girl", tag, "a"]


def test_underscores_become_spaces_for_the_model_only() -> None:
    (segment,) = parse("long_blue_hair").segments()
    assert (segment.text, segment.plain) == ("long_blue_hair", "long blue hair")
    assert plain("score_9_up, source_anime") == ["score_9_up", "source_anime"]


def test_segments_are_verbatim_with_offsets() -> None:
    text = " 1girl ,, (blue_eyes:1.3)\n\ncat  ears ,<lora:x:1> , a\uff0cb"
    segments = parse(text).segments()
    assert [s.text for s in segments] == [
        *("1girl", "(blue_eyes:1.3)", "cat  ears", "<lora:x:1>", "a", "b")
    ]
    assert all(text[s.start : s.end] == s.text for s in segments)
    assert [s.plain for s in segments] == ["1girl", "blue eyes", "cat ears", "", "a", "b"]


def test_a_group_of_tags_is_one_segment_with_several_words() -> None:
    (segment,) = parse("(a_dog, (c), d:1.2)").segments()
    assert segment.words == ("a dog", "c", "d")
    assert segment.plain == "a dog, c, d"


def test_words_around_groups_stay_together() -> None:
    assert plain("a (very:1.2) long dress") == ["a very long dress"]
    assert plain("__color__ hair") == ["hair"]
    assert plain("a photo of (cats)") == ["a photo of cats"]
    assert plain("dark(er)") == ["darker"]


def test_lora_without_a_comma_is_an_item_of_its_own() -> None:
    segments = parse("1girl <lora:x_y:1><lora:z:1>, <lora:w:1> solo").segments()
    assert [s.text for s in segments] == [
        *("1girl", "<lora:x_y:1>", "<lora:z:1>", "<lora:w:1>", "solo")
    ]


def test_break_and_and() -> None:
    assert kinds("a BREAK b") == ["word", "break", "word"]
    assert plain("a cat :1.2 AND a dog :0.8") == ["a cat", "", "a dog"]
    assert plain("CATS AND DOGS, BREAKFAST, SAND") == ["CATS AND DOGS", "BREAKFAST", "SAND"]


def test_comments_end_with_their_line() -> None:
    text = "# first (\n1girl # note, with commas )\nsolo, #1 fan"
    assert plain(text) == ["", "1girl", "", "solo", "#1 fan"]
    assert [s.text for s in parse(text).spans if s.kind is SpanKind.COMMENT] == [
        *("# first (", "# note, with commas )")
    ]


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("hatsune miku (append)", "hatsune miku (append)"),
        ("hatsune_miku_(append)", "hatsune miku (append)"),
        ("fate (series)", "fate (series)"),
        ("saber (fate) (cosplay)", "saber (fate) (cosplay)"),
        ("(hatsune miku (append):1.2)", "hatsune miku (append)"),
        ("hatsune miku \\(append\\)", "hatsune miku (append)"),
        ("yuni (princess connect!)", "yuni (princess connect!)"),
    ],
)
def test_a_name_with_parentheses_is_one_tag(text: str, seen: str) -> None:
    (segment,) = parse(text).segments()
    assert segment.words == (seen,)
    assert parse(f"solo, {text}, smile").segments()[1].words == (seen,)


def test_escaped_output() -> None:
    assert parse("saber (fate) (cosplay), (a:1.2)").escaped() == (
        "saber \\(fate\\) \\(cosplay\\), (a:1.2)"
    )
    assert parse("(hatsune miku (append):1.2), ((b))").escaped() == (
        "(hatsune miku \\(append\\):1.2), ((b))"
    )
    once = parse("fate (series), miku \\(append\\)").escaped()
    assert parse(once).escaped() == once == "fate \\(series\\), miku \\(append\\)"


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("Hatsune  Miku (Append)", "Hatsune  Miku \\(Append\\)"),
        ("artoria pendragon (lancer) (fate)", "artoria pendragon \\(lancer\\) \\(fate\\)"),
        ("saber (fate)_(cosplay)", "saber \\(fate\\)_\\(cosplay\\)"),
        ("hatsune miku (append) singing", "hatsune miku \\(append\\) singing"),
        ("hatsune miku (append):1.2", "hatsune miku \\(append\\):1.2"),
        ("((saber (fate)))", "((saber \\(fate\\)))"),
        ("[saber (fate)|b]", "[saber \\(fate\\)|b]"),
        ("[saber (fate):b:0.5]", "[saber \\(fate\\):b:0.5]"),
        ("BREAK saber (fate)", "BREAK saber \\(fate\\)"),
        ("<lora:x:1> saber (fate)", "<lora:x:1> saber \\(fate\\)"),
        ("(saber (fate), solo", "(saber \\(fate\\), solo"),
        ("fate \\(series\\) (cosplay)", "fate \\(series\\) \\(cosplay\\)"),
        ("toy(e)", "toy\\(e\\)"),
        ("star (symbol), photo (medium)", "star \\(symbol\\), photo \\(medium\\)"),
        ("lily (flower) , star (sky)", "lily \\(flower\\) , star \\(sky\\)"),
        ("my_oc_(a_series)", "my_oc_\\(a_series\\)"),
        ("my_oc_(red)_(cosplay)", "my_oc_\\(red\\)_\\(cosplay\\)"),
    ],
)
def test_a_known_name_comes_out_escaped(text: str, escaped: str) -> None:
    assert parse(text).escaped() == escaped
    assert str(parse(text)) == text
    assert parse(escaped).escaped() == escaped


@pytest.mark.parametrize(
    "text",
    [
        *("blue eyes (smile:1.2)", "a girl with (red hair)", "cat, (dog)", "cat (dog) bird"),
        *("a (b, c)", "a girl (smiling)", "red hair (long)", "my oc (a series)", "dark(er)"),
        "solo hatsune miku (append)",  # of a phrase it cannot be said where the name begins
        *("hatsune miku (append:1.2)", "my_oc_(red:1.2)", "long_(blond)_hair", "a _(b)"),
        *("a red (flower)", "holding (weapon)", "cat (animal) on a mat", "1girl (solo) (smile)"),
    ],
)
def test_weights_are_not_names(text: str) -> None:
    prompt = parse(text)
    assert SpanKind.QUALIFIER not in {span.kind for span in prompt.spans}
    assert SpanKind.WEIGHT in {span.kind for span in prompt.spans}
    assert prompt.escaped() == text


def test_escape_tag() -> None:
    assert escape_tag("hatsune miku (append)") == "hatsune miku \\(append\\)"
    assert escape_tag(escape_tag(":)")) == escape_tag(":)") == ":\\)"
    assert escape_tag("1girl") == "1girl"


def test_unbalanced_brackets_are_words() -> None:
    assert plain("(a, b") == ["a", "b"]
    assert plain("a), (b:1.2)") == ["a", "b"]
    assert kinds("smile (:, (a)") == ["word", "separator", "weight"]
    assert kinds("([)]") == ["weight", "word"]


def test_children_tile_their_group() -> None:
    (group,) = parse("([a:(b, c):0.7] d:1.2)").spans
    schedule, words, weight = group.children
    assert (schedule.kind, words.text, weight.text) == (SpanKind.SCHEDULE, " d", ":1.2")
    assert [child.text for child in schedule.children] == ["a", ":", "(b, c)", ":0.7"]
    assert schedule.start == 1 and schedule.children[2].start == 4


def test_the_users_habit() -> None:
    assert parse("long_hair, blue_eyes, red dress").uses_underscores
    assert not parse("long hair, blue eyes, hair_bow").uses_underscores
    assert not parse("<lora:my_style_v2:1>, embedding:easy_negative, 1girl").uses_underscores
    assert not parse("score_9, score_8_up, source_anime, o_o, 1girl").uses_underscores


def test_spans_are_a_sequence_like_a_tuple() -> None:
    spans = parse("a, (b:1.2)").spans
    expected = (
        Span(SpanKind.WORD, "a", 0),
        Span(SpanKind.SEPARATOR, ", ", 1),
        Span(SpanKind.WEIGHT, "(b:1.2)", 3),
    )
    assert spans == expected == tuple(spans) and expected == spans
    assert spans != expected[:2] and spans == parse("a, (b:1.2)").spans
    assert (len(spans), spans[-1]) == (3, expected[-1])
    assert tuple(spans[1:]) == expected[1:]
    assert hash(spans) == hash(expected) and repr(spans) == repr(expected)
    assert expected[1] in spans and spans.index(expected[2]) == 2
    assert tuple(reversed(spans)) == expected[::-1]
    with pytest.raises(IndexError):
        spans[3]
    assert not parse("").spans and parse("") == parse("")


def test_long_row_of_numbers_is_parsed_quickly() -> None:
    assert kinds("[a:" + "11," * 30 + "a]") == ["weight"]
    assert kinds("[a:1,2.5,30%]") == ["schedule"]
