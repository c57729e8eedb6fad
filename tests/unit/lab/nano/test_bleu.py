"""BLEU on cases worked out by hand."""

from __future__ import annotations

import math

import pytest

from lab.nano.measures.bleu import bleu, self_bleu


def test_precisions_are_clipped() -> None:
    # The example of Papineni et al. 2002: "the" occurs twice in the reference, so 2 of 7 count.
    text, reference = "the the the the the the the".split(), "the cat is on the mat".split()
    assert bleu(text, [reference], 1) == pytest.approx(2 / 7)
    assert bleu(text, [reference], 2) == 0.0


def test_precisions_are_multiplied_and_short_texts_punished() -> None:
    # 1-grams: a b c d of a b c x: 3/4; 2-grams: ab, bc of 3: 2/3. The lengths are the same.
    assert bleu("a b c x".split(), ["a b c d".split()], 2) == pytest.approx(
        math.sqrt(3 / 4 * 2 / 3)
    )
    # All 2 words and their pair are right, but the reference has 4: exp(1 - 4/2).
    assert bleu("a b".split(), ["a b c d".split()], 2) == pytest.approx(math.exp(-1))
    # The nearest length counts, and a text longer than it is not punished.
    assert bleu("a b c".split(), ["a b".split(), "a b c d e f g".split()], 1) == pytest.approx(1.0)


def test_a_gram_may_come_from_any_reference() -> None:
    assert bleu("a b c d".split(), ["a b x y".split(), "w c d z".split()], 1) == 1.0
    # Of ab, bc, cd two are known.
    assert bleu("a b c d".split(), ["a b x y".split(), "w c d z".split()], 2) == pytest.approx(
        math.sqrt(2 / 3)
    )


def test_self_bleu_compares_each_with_the_others() -> None:
    assert self_bleu(["One two three four five"] * 3) == pytest.approx(1.0)
    assert self_bleu(["a b c d e", "f g h i j"]) == 0.0
    # Each of the two has 3/4 and 2/3 of the other.
    assert self_bleu(["a b c x", "a b c y"], 2) == pytest.approx(math.sqrt(1 / 2))
    with pytest.raises(ValueError, match="needs two or more texts"):
        self_bleu(["alone"])
