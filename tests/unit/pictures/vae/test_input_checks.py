from __future__ import annotations

from tipo_core.pictures.vae.input_checks import channel_problem


def test_channel_mismatch_names_both_sides() -> None:
    assert channel_problem(4, (1, 4, 8, 8)) is None
    problem = channel_problem(16, (2, 4, 64, 64)) or ""
    assert "decodes 16 latent channels, the latent has 4 (shape 2 x 4 x 64 x 64)" in problem
