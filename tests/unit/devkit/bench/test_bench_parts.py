"""Computations of the benchmarks around their clocks."""

from __future__ import annotations

import pytest
import torch

from devkit.bench.benchmark import Figure, Unmeasured
from devkit.bench.engines import load_ours
from devkit.bench.race import Pace, Runner, race, rates
from devkit.bench.rows.agreement import compared as compared_scores
from devkit.bench.rows.agreement import records, scores
from devkit.bench.rows.whole_request import compared
from devkit.setup.layout import this_checkout
from tipo_core.lm.generate.engine import LlamaLanguageModel
from tipo_core.lm.generate.sampling_options import SamplingOptions

NANO = this_checkout().root / "tipo_core" / "assets" / "tipo-nano"


def test_rates_pair_a_runner_with_its_peer() -> None:
    gone = Unmeasured("not installed")
    paces: dict[str, Pace | Unmeasured] = {
        "ours": Pace(10, 2.0, 5.0),
        "peer": Pace(10, 4.0, 2.5),
        "gone": gone,
    }
    pairs = {"a": ("ours", "peer"), "b": ("ours", None), "c": ("ours", "gone")}
    assert dict(rates(paces, pairs)) == {"a": Figure(5.0, 2.5), "b": Figure(5.0), "c": gone}


def test_requests_are_compared_when_they_took_as_many_tokens() -> None:
    ours, peer = Pace(1280, 20.0, 64.0), Pace(320, 10.0, 32.0)
    assert compared(ours, peer, 4) == Figure(12.0, 6.0)
    assert "not the same work" in str(compared(ours, peer, 2))
    gone = Unmeasured("not installed")
    assert compared(ours, gone, 4) is compared(gone, peer, 4) is gone


def test_scores_that_are_equal_agree() -> None:
    one = torch.randn(5, 7)
    assert compared_scores([one], [one]) == {"top1": 100.0, "kl": pytest.approx(0.0, abs=1e-6)}
    other = torch.roll(one, 1, dims=1)
    assert compared_scores([one], [other])["top1"] == 0.0
    assert compared_scores([one], [other])["kl"] > 0.0


def test_text_that_ships_is_read_one_token_at_a_time() -> None:
    texts = records((NANO / "README.md").read_text("utf-8"))
    assert len(texts) >= 20
    assert all("target: " in text and "\u27f6" not in text for text in texts)
    cpu = torch.device("cpu")
    llama, tokenizer = load_ours(NANO, "fp32", cpu)
    model = LlamaLanguageModel(llama, tokenizer, SamplingOptions(), device=cpu, dtype=torch.float32)
    ids = tokenizer.encode(texts[0])[:6]
    cache = model.new_batch(1).cache
    cache.reserve(len(ids))
    with torch.inference_mode():
        whole = llama.logits(llama(torch.tensor(ids), cache.prefill(0, len(ids))))
    torch.testing.assert_close(scores(model, ids), whole, rtol=1e-3, atol=1e-3)


def test_a_program_runs_in_a_process_of_its_own() -> None:
    engine = {"engine": "ours", "model": str(NANO), "precision": "auto"}
    task = {"task": "complete", "prompt": "tag: 1girl,", "new_tokens": 3}
    runners = {
        "one": Runner(engine, {**task, "streams": 1}),
        "absent": Runner({}, {}, missing="llama_cpp is not installed"),
    }
    paces = race(this_checkout(), runners, rounds=1)
    assert isinstance(paces["one"], Pace) and paces["one"].tokens == 3
    assert str(paces["absent"]) == "llama_cpp is not installed"
