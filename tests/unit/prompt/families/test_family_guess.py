"""The family that a graph's model shows, and the evidence in words."""

from __future__ import annotations

import pytest

from tipo_core.prompt.families.family_files import family_files
from tipo_core.prompt.families.family_guess import GraphModel, guess_family
from tipo_core.prompt.families.family_loading import load_families

FAMILIES = load_families(family_files())[0]


@pytest.mark.parametrize(
    ("architecture", "tokenizer", "file_name", "family", "how"),
    [
        ("SD15", "SD1Tokenizer", "ponyish.safetensors", "sd15", "from the architecture SD15"),
        ("SDXL", "", "", "sdxl", "no file name points to none of them"),
        ("SDXL", "", "sd_xl_base_1.0.safetensors", "sdxl", "'sd_xl_base_1.0.safetensors' points"),
        ("SDXL", "", "xl/ponyDiffusionV6XL.safetensors", "pony", "a guess from 'pony'"),
        ("SDXL", "", "NAI-XL_vpred.safetensors", "noobai", "a guess from 'naixl'"),
        ("SDXL", "", "noob_illustrious.safetensors", "illustrious", "a guess from 'illustrious'"),
        ("SSD1B", "", "pony.safetensors", "sdxl", "from the architecture SSD1B"),
        ("", "SDXLTokenizer", "waiIllustrious.ckpt", "illustrious", "text encoder's SDXLTokenizer"),
        ("Flux", "FluxTokenizer", "", "flux", "from the architecture Flux"),
        ("FluxSchnell", "FluxTokenizer", "", "flux-schnell", "from the architecture FluxSchnell"),
        ("Flux2", "", "", "flux2", "Flux2"),
        ("SD3", "", "", "sd3", "SD3"),
        ("QwenImage", "", "", "qwen-image", "QwenImage"),
        ("Anima", "", "", "anima", "Anima"),
        ("", "AnimaTokenizer", "", "anima", "AnimaTokenizer"),
        ("HunyuanVideo", "", "pony.safetensors", None, "no preset is for the architecture Hun"),
        ("", "WanT5Tokenizer", "", None, "no preset is for the text encoder's WanT5Tokenizer"),
        ("", "", "pony.safetensors", None, "connect model or clip, or choose a family"),
    ],
)
def test_guesses(
    architecture: str, tokenizer: str, file_name: str, family: str | None, how: str
) -> None:
    guess = guess_family(FAMILIES, GraphModel(architecture, tokenizer, file_name))
    assert (guess.family.name if guess.family else None) == family
    assert how in guess.how


def test_a_guess_from_a_name_is_said_to_be_one() -> None:
    how = guess_family(FAMILIES, GraphModel("SDXL", "", "my pony.safetensors")).how
    assert how == (
        "a guess from 'pony' in the file name 'my pony.safetensors', because the architecture "
        "SDXL does not tell the families that share it"
    )
