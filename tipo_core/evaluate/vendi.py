"""The Vendi score: the effective number of different pictures in a set."""

from __future__ import annotations

import torch


def vendi_spectrum(features: torch.Tensor) -> torch.Tensor:
    """Return the eigenvalues (largest first, float64) of K / N, with K the cosines of (N, D).

    These are min(N, D) values; the other eigenvalues are 0. Raises ValueError if a row is 0,
    which has no direction.
    """
    features = features.to(torch.float64)
    count, dimensions = features.shape
    if count == 0:
        raise ValueError("there is no picture, so the Vendi score is not defined: add pictures")
    norms = features.norm(dim=1, keepdim=True)
    if not bool((norms > 0).all()):
        row = int((norms == 0).nonzero()[0, 0])
        raise ValueError(
            f"the features of picture {row} are all 0, so they have no direction: remove it"
        )
    rows = features / norms
    # K = rows @ rows.T and rows.T @ rows have the same eigenvalues apart from zeros.
    gram = rows.T @ rows if dimensions < count else rows @ rows.T
    return torch.linalg.eigvalsh(gram / count).clamp(min=0).flip(0)


def vendi_score(features: torch.Tensor) -> float:
    """Return exp of the entropy of the spectrum of features (N, D): 1 (all alike) to N.

    Friedman & Dieng 2023, "The Vendi Score" (arXiv 2210.02410), with the cosine as the kernel.
    """
    return score_of(vendi_spectrum(features))


def score_of(spectrum: torch.Tensor) -> float:
    """Return exp of the entropy of eigenvalues that add up to 1; 0 log 0 is 0."""
    return float(torch.special.entr(spectrum).sum().exp())
