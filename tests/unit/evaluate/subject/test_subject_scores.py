"""The DreamBooth measures against loops over pairs in numpy, and their bad input."""

from __future__ import annotations

import json
import math
from itertools import combinations, product

import numpy as np
import pytest
import torch

from tipo_core.evaluate.subject.prompt_groups import prompt_groups
from tipo_core.evaluate.subject.score_report import SubjectScores, score_lines
from tipo_core.evaluate.subject.subject_scores import (
    class_likeness,
    diversity,
    likeness,
    prompt_fidelity,
)
from tipo_core.evaluate.text.intervals import Estimate


def features(count: int, seed: int, width: int = 12) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, width, generator=generator) + 0.7


def cosine(one: torch.Tensor, other: torch.Tensor) -> float:
    a, b = (x.numpy().astype(np.float64) for x in (one, other))
    return float(a @ b / math.sqrt(a @ a) / math.sqrt(b @ b))


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def test_subject_fidelity_is_the_mean_over_all_pairs() -> None:
    drawn, real = features(7, 1), features(4, 2)
    found = likeness(drawn, real)
    pairs = [cosine(one, other) for one, other in product(drawn, real)]
    assert found.mean.value == pytest.approx(mean(pairs), abs=1e-12)
    assert found.mean.count == 7 and found.mean.low < found.mean.value < found.mean.high
    rows = [mean([cosine(one, other) for other in real]) for one in drawn]
    assert found.by_picture == pytest.approx(rows, abs=1e-12)
    among = [cosine(one, other) for one, other in combinations(real, 2)]
    assert found.among_real == pytest.approx(mean(among), abs=1e-12)


def test_a_single_real_picture_has_no_likeness_among_real_ones() -> None:
    assert likeness(features(2, 1), features(1, 2)).among_real is None


def test_the_same_pictures_have_fidelity_one() -> None:
    one = features(1, 3)
    assert likeness(one.repeat(3, 1), one * 5).mean.value == pytest.approx(1)


def test_prior_preservation_is_the_same_mean_for_the_class() -> None:
    of_class, real = features(5, 4), features(3, 5)
    pairs = [cosine(one, other) for one, other in product(of_class, real)]
    assert class_likeness(of_class, real).value == pytest.approx(mean(pairs), abs=1e-12)


def test_prompt_fidelity_compares_each_picture_with_its_own_prompt() -> None:
    drawn, texts, prompt_of = features(6, 6), features(3, 7), (0, 0, 1, 1, 2, 2)
    found = prompt_fidelity(drawn, texts, prompt_of)
    own = [cosine(one, texts[n]) for one, n in zip(drawn, prompt_of, strict=True)]
    assert found.mean.value == pytest.approx(mean(own), abs=1e-12)
    others = [
        cosine(one, texts[k])
        for one, n in zip(drawn, prompt_of, strict=True)
        for k in range(3)
        if k != n
    ]
    assert found.with_others == pytest.approx(mean(others), abs=1e-12)
    assert prompt_fidelity(drawn, texts[:1], (0,) * 6).with_others is None


def test_diversity_is_the_mean_distance_of_pairs_of_one_prompt() -> None:
    drawn, prompt_of = features(6, 8), (0, 1, 0, 1, 0, 2)
    found = diversity(drawn, prompt_of)
    pairs = [
        1 - cosine(drawn[i], drawn[j])
        for i, j in combinations(range(6), 2)
        if prompt_of[i] == prompt_of[j]
    ]
    assert found.pairs is not None
    assert found.pairs.value == pytest.approx(mean(pairs), abs=1e-12)
    assert 1 < found.vendi < 6


def test_one_picture_for_each_prompt_has_no_diversity_of_pairs() -> None:
    assert diversity(features(3, 9), (0, 1, 2)).pairs is None


@pytest.mark.parametrize(
    ("drawn", "real", "message"),
    [
        (torch.full((2, 4), math.nan), features(2, 1, 4), "drawn pictures are NaN or infinite"),
        (torch.zeros(2, 4), features(2, 1, 4), "number 1 of the drawn pictures has features of"),
        (features(2, 1, 4), torch.zeros(0, 4), "the real pictures have features of the shape"),
        (features(2, 1, 4), features(2, 1, 6), "drawn pictures have 4 features and the real"),
    ],
)
def test_features_that_have_no_direction_are_named(
    drawn: torch.Tensor, real: torch.Tensor, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        likeness(drawn, real)


def test_prompts_of_pictures_in_their_order() -> None:
    assert prompt_groups("a\nb\na", 3).prompt_of == (0, 1, 0)
    found = prompt_groups(" a \n\nb\n", 6)
    assert found.prompts == ("a", "b") and found.prompt_of == (0, 0, 0, 1, 1, 1)
    assert prompt_groups("", 4).prompt_of == (0, 0, 0, 0)


@pytest.mark.parametrize(("text", "count"), [("a\nb", 3), ("a\nb\nc", 2)])
def test_prompts_that_cannot_belong_to_the_pictures(text: str, count: int) -> None:
    with pytest.raises(ValueError, match=f"lines for {count} pictures: give a line for each"):
        prompt_groups(text, count)


def test_the_report_and_the_json_say_the_same() -> None:
    drawn, real = features(4, 1), features(3, 2)
    estimate = Estimate(0.25, 0.2, 0.3, 4)
    scores = SubjectScores(
        4, 3, 2,
        dino=likeness(drawn, real), prior=estimate, prior_before=Estimate(0.2, 0.1, 0.3, 4),
        diversity=diversity(drawn, (0, 0, 1, 1)),
    )  # fmt: skip
    lines = score_lines(scores, ["a note"])
    assert lines[0] == "4 pictures of 2 prompts, 3 real ones"
    assert "PRES, lower is better: 0.250 (0.200 to 0.300); before the training 0.200" in lines[2]
    assert lines[-2] == "a note" and "DINO 0.668, CLIP-I 0.803, CLIP-T 0.305" in lines[-1]
    read = json.loads(json.dumps(scores.as_json()))
    assert read["dino"]["mean"]["value"] == scores.dino.mean.value if scores.dino else False
    assert "clip_t" not in read and read["prior"]["count"] == 4
