"""Prompts of many chunks inside ComfyUI's own Python: pieces, batches and cancels; prints JSON."""

from __future__ import annotations

import copy
import importlib
import json
import random
import threading
import time
from itertools import pairwise
from typing import Any

import comfy.model_management
import comfy.sd1_clip
import comfy.sdxl_clip
import torch

from tests.host.encoding.small_clip import clip_of
from tests.host.raised import raised

encode: Any = importlib.import_module("pack.nodes.image.prompt_encoding")
long_prompts: Any = importlib.import_module("pack.nodes.image.encoding.long_prompts")
real_check = long_prompts.check_interrupt

SD1 = clip_of("", comfy.sd1_clip.SD1ClipModel, comfy.sd1_clip.SD1Tokenizer)
SDXL = clip_of("", comfy.sdxl_clip.SDXLClipModel, comfy.sdxl_clip.SDXLTokenizer)
WORDS = (
    *("1girl", "long hair", "it's", "we'll", "(red hat:1.3)", "na\u00efve", "\u732b \u8033", "!!"),
    *("<|endoftext|>", "x" * 300, "\u2603\ufe0f", "12345", "\\(series\\)", "\n", "\t", "\u3000"),
    *("a--b", "..."),
)


def text_of(length: int, seed: int) -> str:
    drawn = random.Random(seed)
    found = ""
    while len(found) < length:
        found += ", ".join(drawn.choices(WORDS, k=200)) + drawn.choice((" ", ", ", "\n"))
    return found


def pieces() -> dict[str, bool]:
    """Whether the tokens of long texts are core's."""
    found = {}
    for name, clip in (("SD1", SD1), ("SDXL", SDXL)):
        piecewise = long_prompts.with_piecewise_tokenizers(clip)
        for seed in range(4):
            text = text_of(60_000, seed)
            assert len(text) > 3 * long_prompts._PIECE
            found[f"{name} {seed}"] = clip.tokenize(text) == piecewise.tokenize(text)
        plain = "word " * 20_000 + "y" * 40_000
        found[f"{name} plain"] = clip.tokenize(plain) == piecewise.tokenize(plain)
        found[f"{name} is its own"] = piecewise.tokenizer is not clip.tokenizer
    return found


def batches() -> dict[str, Any]:
    """The difference from core's conditioning, below and above the size of one batch."""
    found = {}
    for name, clip in (("SD1", SD1), ("SDXL", SDXL)):
        for words in (2_000, 4_000):
            text = "(red hat:1.3), " + "cat " * words
            conds = clip.encode_from_tokens_scheduled(clip.tokenize(text))
            ours = encode.encode(clip, encode.Texts(text), encode.Settings())[0]
            difference = (conds[0][0] - ours[0][0]).abs().max().item()
            pooled = conds[0][1]["pooled_output"] - ours[0][1]["pooled_output"]
            found[f"{name} {words}"] = {
                "chunks": conds[0][0].shape[1] // 77,
                "shape": conds[0][0].shape == ours[0][0].shape,
                "cond": difference / conds[0][0].abs().max().item(),
                "pooled": pooled.abs().max().item(),
            }
    return found


def cancels() -> dict[str, Any]:
    """The number of checks and the longest time between two, and a cancel at one of them."""
    found: dict[str, Any] = {}
    text = "cat, " * 20_000
    for name, settings in (
        ("comfy", encode.Settings()),
        ("compel", encode.Settings(weight_interpretation="compel")),
    ):
        times: list[float] = []

        def heard(times: list[float] = times) -> None:
            times.append(time.process_time())
            real_check()

        long_prompts.check_interrupt = encode.check_interrupt = heard
        with torch.inference_mode():
            conditioning, _ = encode.encode(SD1, encode.Texts(text), settings)
        checks = len(times)
        gaps = [after - before for before, after in pairwise(times)]
        times.clear()

        def cancel(times: list[float] = times) -> None:
            times.append(0.0)
            if len(times) == 100:
                comfy.model_management.interrupt_current_processing()
            real_check()

        long_prompts.check_interrupt = encode.check_interrupt = cancel
        error = raised(lambda: encode.encode(SD1, encode.Texts(text), settings))  # noqa: B023
        comfy.model_management.interrupt_current_processing(False)
        found[name] = {
            "chunks": conditioning[0][0].shape[1] // 77,
            "checks": checks,
            "longest gap": max(gaps),
            "checks until the error": len(times),
            "error": error,
        }
    long_prompts.check_interrupt = encode.check_interrupt = real_check
    return found


def one_call() -> dict[str, Any]:
    """A cancel while one word of 60,000 letters is in the tokenizer, which cannot be cut."""
    clip = SD1.clone()
    clip.tokenizer = copy.copy(clip.tokenizer)
    clip.tokenizer.clip_l = copy.copy(clip.tokenizer.clip_l)
    tokenizer = clip.tokenizer.clip_l.tokenizer
    is_over = threading.Event()
    lengths: list[int] = []
    heard: list[bool] = []

    class Waiting:
        """Cancels the run, and returns only after the node has ended."""

        def __getattr__(self, name: str) -> Any:
            return getattr(tokenizer, name)

        def __call__(self, text: str, *args: Any, **options: Any) -> Any:
            lengths.append(len(text))
            if len(text) >= 60_000:
                comfy.model_management.interrupt_current_processing()
                heard.append(is_over.wait(60))
            return tokenizer(text, *args, **options)

    clip.tokenizer.clip_l.tokenizer = Waiting()
    error = raised(lambda: encode.encode(clip, encode.Texts("y" * 60_000), encode.Settings()))
    is_over.set()
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and thread.name.startswith("tipo-suite"):
            thread.join(60)
    return {"longest": max(lengths), "heard": heard, "error": error}


print(
    json.dumps(
        {"one call": one_call(), "pieces": pieces(), "batches": batches(), "cancels": cancels()}
    )
)
