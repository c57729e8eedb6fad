from __future__ import annotations

import pytest

from tipo_core.pictures.text.clip_skip import TextEncoder, layer_for_skip, skip_lines

CLIP_L = TextEncoder("clip_l", depth=12, is_clip=True, layer=None)
CLIP_G = TextEncoder("clip_g", depth=32, is_clip=True, layer=-2)
T5 = TextEncoder("t5xxl", depth=24, is_clip=False, layer=None)


@pytest.mark.parametrize(
    ("clip_skip", "layer"), [(0, None), (1, -1), (2, -2), (-2, -2), (-1, -1), (12, -12), (-12, -12)]
)
def test_both_ways_of_counting_name_the_same_layer(clip_skip: int, layer: int | None) -> None:
    assert layer_for_skip(clip_skip, [CLIP_L]) == layer


@pytest.mark.parametrize("clip_skip", [13, -13, 24])
def test_the_shallowest_encoder_sets_the_range(clip_skip: int) -> None:
    with pytest.raises(ValueError, match=f"clip_skip {clip_skip} .* 'clip_l' has 12 layers"):
        layer_for_skip(clip_skip, [CLIP_G, CLIP_L])
    assert layer_for_skip(24, [CLIP_G]) == -24


@pytest.mark.parametrize("encoders", [[], [T5], [CLIP_L, T5]])
def test_models_that_read_with_more_than_clip_keep_their_default(
    encoders: list[TextEncoder],
) -> None:
    assert layer_for_skip(2, encoders) is None
    assert layer_for_skip(24, encoders) is None


@pytest.mark.parametrize("encoders", [[], [T5], [CLIP_L, T5]])
def test_report_says_that_a_skip_does_not_apply(encoders: list[TextEncoder]) -> None:
    assert "does not apply" in skip_lines(2, encoders)[0]
    assert "does not apply" not in skip_lines(0, encoders)[0]


def test_skip_lines_say_which_encoder_keeps_the_skip_out() -> None:
    first, *layers = skip_lines(2, [CLIP_L, T5])
    assert first.startswith("warning: clip_skip 2 does not apply") and "t5xxl" in first
    for line, (name, depth) in zip(layers, [("clip_l", 12), ("t5xxl", 24)], strict=True):
        assert line.startswith(f"{name}: ") and "final output" in line and str(depth) in line


def test_skip_lines_name_the_skip_and_the_layer() -> None:
    first, layer = skip_lines(-2, [CLIP_G])
    assert first == "clip_skip 2"
    assert layer.startswith("clip_g: ") and "layer 31 of 32" in layer
