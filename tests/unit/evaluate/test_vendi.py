"""The Vendi score of sets whose score is known."""

from __future__ import annotations

import math

import pytest
import torch

from tipo_core.evaluate.vendi import score_of, vendi_score, vendi_spectrum


def test_different_pictures_count_and_copies_do_not() -> None:
    assert vendi_score(torch.eye(7) * 3) == pytest.approx(7)
    assert vendi_score(torch.ones(5, 3)) == pytest.approx(1)
    # Two kinds in the shares 3/4 and 1/4: exp of the entropy of these.
    rows = torch.tensor([[1.0, 0], [2, 0], [3, 0], [0, 5]])
    wanted = math.exp(-0.75 * math.log(0.75) - 0.25 * math.log(0.25))
    assert vendi_score(rows) == pytest.approx(wanted)


@pytest.mark.parametrize("shape", [(40, 6), (6, 40), (9, 9)])
def test_the_smaller_matrix_has_the_same_eigenvalues(shape: tuple[int, int]) -> None:
    features = torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    rows = features / features.norm(dim=1, keepdim=True)
    kernel = torch.linalg.eigvalsh(rows @ rows.T / shape[0]).flip(0)
    spectrum = vendi_spectrum(features)
    assert len(spectrum) == min(shape)
    torch.testing.assert_close(spectrum, kernel[: min(shape)], atol=1e-14, rtol=1e-10)
    assert float(spectrum.sum()) == pytest.approx(1)
    assert vendi_score(features) == pytest.approx(score_of(kernel.clamp(min=0)))


def test_what_has_no_score() -> None:
    with pytest.raises(ValueError, match="picture 1 are all 0"):
        vendi_score(torch.tensor([[1.0, 0], [0, 0]]))
    with pytest.raises(ValueError, match="no picture"):
        vendi_score(torch.zeros(0, 3))
