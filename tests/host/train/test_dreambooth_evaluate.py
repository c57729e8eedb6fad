"""DreamBooth Evaluate inside ComfyUI: equal to numpy on the features of core's own node."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from devkit.setup.host import Host
from devkit.setup.layout import this_checkout
from devkit.setup.toy_sd import NAME
from tests.host.inside import run_inside

Found = dict[str, Any]


@pytest.fixture(scope="module")
def results(host: Host, tmp_path_factory: pytest.TempPathFactory) -> Found:
    """The results of hosted_evaluate.py."""
    base: Path = tmp_path_factory.mktemp("evaluate")
    checkpoint = this_checkout().base / "models" / "checkpoints" / NAME
    found: Found = run_inside(host, "train/hosted_evaluate.py", base, checkpoint)
    return found


def test_all_scores_are_those_of_numpy(results: Found) -> None:
    scores, right = results["scores"], results["numpy"]
    found = {
        "dino": scores["dino"]["mean"]["value"],
        "clip_i": scores["clip_i"]["mean"]["value"],
        "clip_t": scores["clip_t"]["mean"]["value"],
        "prior": scores["prior"]["value"],
        "before": scores["prior_before"]["value"],
        "pairs": scores["diversity"]["pairs"]["value"],
    }
    assert found == pytest.approx(right, abs=1e-6)
    assert (scores["pictures"], scores["real_pictures"], scores["prompts"]) == (4, 3, 2)


def test_the_report_names_each_measure(results: Found) -> None:
    report = results["report"]
    assert report[0] == "4 pictures of 2 prompts, 3 real ones"
    starts = ("subject fidelity, DINO: ", "subject fidelity, CLIP-I: ", "prompt fidelity, CLIP-T: ")
    assert all(line.startswith(start) for line, start in zip(report[1:4], starts, strict=True))
    assert "before the training" in report[4]
    assert results["sheet"][0] == 1 and results["sheet"][-1] == 3


def test_clip_vision_alone_takes_the_place_of_dino(results: Found) -> None:
    names, vendi = results["only clip"]
    assert "dino" not in names and "clip_t" not in names and {"clip_i", "diversity"} <= set(names)
    assert vendi >= 1


def test_what_is_missing_is_named(results: Found) -> None:
    errors = results["errors"]
    assert "clip has no text projection" in errors["projection"]
    assert "connect dino or clip_vision" in errors["encoders"]
    assert "3 lines for 4 pictures" in errors["prompts"]
    assert "clip gives 768 features of a prompt and clip_vision 64" in errors["halves"]


def test_the_text_encoder_stays_as_it_is(results: Found) -> None:
    assert results["same"]
