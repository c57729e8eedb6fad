from __future__ import annotations

import pytest

from tipo_core.pictures.clip_skip import (
    TextEncoder,
    chunk_token_counts,
    encode_report,
    layer_for_skip,
)

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
    assert "does not apply" in encode_report(2, encoders, {})
    assert "does not apply" not in encode_report(0, encoders, {})


def test_report_says_which_encoder_keeps_the_skip_out() -> None:
    first, *layers = encode_report(2, [CLIP_L, T5], {}).splitlines()
    expected = "clip_skip 2 does not apply (the model also reads text with t5xxl)"
    assert first.startswith(expected)
    assert layers == ["clip_l: final output, all 12 layers", "t5xxl: final output, all 24 layers"]


def test_report_shows_layers_and_chunks() -> None:
    report = encode_report(0, [CLIP_L, CLIP_G], {"l": [75, 8], "g": [3]})
    assert report.splitlines() == [
        "clip_skip 0: as the model came",
        "clip_l: final output, all 12 layers",
        "clip_g: layer 31 of 32",
        "l: 2 chunks, tokens of text 75 + 8",
        "g: 1 chunk, tokens of text 3",
    ]


def test_special_and_padding_tokens_are_not_counted() -> None:
    start, end, pad = (49406, 1.0, 0), (49407, 1.0, 0), (49407, 1.0, 0)
    chunk = [start, (320, 1.0, 1), (2368, 1.2, 2), (267, 1.0, 2), end, pad, pad]
    assert chunk_token_counts({"l": [chunk, [start, end]]}) == {"l": [3, 0]}


def test_tokenizers_of_another_shape_are_left_out() -> None:
    assert chunk_token_counts(["not", "a", "mapping"]) == {}
    assert chunk_token_counts({"lyrics": [[(1, 1.0)]]}) == {}
