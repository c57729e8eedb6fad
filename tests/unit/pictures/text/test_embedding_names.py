from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tipo_core.pictures.text.embedding_names import EmbeddingNames, separated

NAMES = EmbeddingNames.of(
    frozenset({"a", "b", "a,b", "sub/bad", "v1.5", "x-2", "foo(1)", "bad.safetensors", "bad"})
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("embedding:a,embedding:b", "embedding:a , embedding:b"),
        ("embedding:a,cat", "embedding:a ,cat"),
        ("embedding:a,b, cat", "embedding:a,b , cat"),
        ("cat,embedding:a", "cat, embedding:a"),
        ("猫、embedding:a、狗", "猫、 embedding:a 、狗"),
        ("(embedding:a:1.2)", "( embedding:a :1.2)"),
        ("(embedding:none:1.2)x", "( embedding:none :1.2)x"),
        ("embedding:none,cat", "embedding:none ,cat"),
        ("embedding:none,embedding:b", "embedding:none , embedding:b"),
        (r"embedding:foo\(1\), x", r"embedding:foo\(1\) , x"),
        ("embedding:sub/bad;embedding:v1.5.", "embedding:sub/bad ; embedding:v1.5 ."),
        ("embedding:bad.safetensors", "embedding:bad.safetensors"),
        ("a, embedding:a b", "a, embedding:a b"),
        ("embedding:", ""),
        ("(embedding:) embedding:, x", "() , x"),
        ("embedding:\nb", "embedding:\nb"),
        ("my_embedding:a,x", "my_embedding:a,x"),
        ("Embedding:a,x", "Embedding:a,x"),
        ("a cat, (x:1.2)", "a cat, (x:1.2)"),
    ],
)
def test_each_embedding_stands_between_blanks(text: str, expected: str) -> None:
    assert separated(text, NAMES) == expected


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("embedding:a2", {"a2": False}),
        ("embedding:x-2-3 embedding:x-2", {"x-2-3": False, "x-2": True}),
        ("embedding:v1.5.6", {"v1.5.6": False}),
        ("embedding:a:1.2", {"a": True}),
        ("embedding:none:1.2", {"none": False}),
        ("embedding:foo(1)", {"foo": False}),
    ],
)
def test_longest_name_that_ends_with_its_word_is_taken(text: str, names: dict[str, bool]) -> None:
    found = NAMES.named_in(text, has_escapes=True)
    assert {named.name: named.is_known for named in found} == names


def test_brackets_belong_to_a_name_where_escapes_are_resolved() -> None:
    (found,) = NAMES.named_in("embedding:foo(1), x", has_escapes=False)
    assert (found.name, found.is_known, found.end) == ("foo(1)", True, 16)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(["embedding:a", "embedding:none", *"b, ()\\", ":1.2", "v1.5"])))
def test_only_blanks_are_added(pieces: list[str]) -> None:
    text = "".join(pieces)
    assert "".join(separated(text, NAMES).split()) == "".join(text.split())


def test_no_blank_in_a_megabyte_takes_linear_time() -> None:
    # Each name is sought within the length of the longest name, not to the end of the text.
    text = "embedding:a,embedding:none," * 40_000
    assert separated(text, NAMES).count(" embedding:") == 79_999
