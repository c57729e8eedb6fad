"""Train a TIPO model: the recipe, batches, loss, optimizers and the loop, on a GPU or a CPU.

The forward pass runs under autocast in bfloat16. The registry forbids autocast in the archive of a
node pack, so the archive leaves this package out; a clone and the installed library have it.
"""

from __future__ import annotations

import json
import logging
import math
import os
import random
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel

from ..lm.files.fused_weights import to_hf_state_dict
from ..lm.files.hf_config import hf_config
from ..lm.files.loader import load_llama
from ..lm.files.model_files import ModelFiles
from ..lm.model.config import LlamaConfig
from ..lm.model.kv_cache import UncachedContext
from ..lm.model.llama import Llama
from .record_pools import Entry, RecordPools
from .records import make_record
from .sample import SampleRange, Samples
from .tokenizer import BOS, EOS, PAD, token_id, train_tokenizer
from .training_state import keep, resume

log = logging.getLogger("tipo-suite")

Reader = Callable[[Llama, torch.Tensor], torch.Tensor]
# Records of a pool are batched by length, so that little is padding. Batches come in a few fixed
# widths (tokens), because torch.compile compiles once for each shape.
_POOL = 4096
_WIDTHS = (64, 96, 136, 184, 240, 320, 448)
_TOKENIZER_SAMPLES = 40_000
_MOST_HELD_OUT = 512


@dataclass(frozen=True)
class Recipe:
    """All numbers of a training run; lengths and batch sizes count tokens.

    The defaults made tipo-nano, in six minutes of a GPU and eight workers, from 260,000 samples; a
    CPU needs smaller batches and a smaller model. `held_out` samples are not trained on, their loss
    is reported (0: a tenth of all, at most 512). `workers` processes make the records. `threads`
    is for torch (0: its own choice), `compile` 1 runs torch.compile. The state from which a stopped
    run continues is kept after every `keep_every` steps.
    """

    vocab_size: int = 6144
    hidden_size: int = 384
    intermediate_size: int = 1024
    layers: int = 6
    heads: int = 12
    kv_heads: int = 6
    context: int = 1024
    held_out: int = 0
    workers: int = 2
    batch_tokens: int = 49_152
    steps: int = 3000
    warmup: int = 60
    stable_share: float = 0.4
    learning_rate: float = 4e-3
    final_share: float = 0.02
    weight_decay: float = 0.05
    seed: int = 20261125
    threads: int = 0
    compile: int = 1
    keep_every: int = 100

    def config(self, tokenizer: Tokenizer) -> LlamaConfig:
        """Return the configuration of the model for a trained tokenizer."""
        return LlamaConfig(
            vocab_size=tokenizer.get_vocab_size(),
            hidden_size=self.hidden_size,
            intermediate_size=self.intermediate_size,
            num_hidden_layers=self.layers,
            num_attention_heads=self.heads,
            num_key_value_heads=self.kv_heads,
            head_dim=self.hidden_size // self.heads,
            max_position_embeddings=self.context,
            rms_norm_eps=1e-5,
            rope_theta=10000.0,
            tie_word_embeddings=True,
            bos_token_id=token_id(tokenizer, BOS),
            eos_token_ids=(token_id(tokenizer, EOS),),
        )


@dataclass(frozen=True)
class Batch:
    """Token ids `B, T`, padded on the right, and targets `B, T`; the loss skips targets of -100."""

    tokens: torch.Tensor
    targets: torch.Tensor


def batches(pools: Iterable[list[Entry]], pad: int, recipe: Recipe) -> Iterator[Batch]:
    """Yield the batches of pools, those of one pool in random order; `pad` is the padding's id."""
    for number, pool in enumerate(pools):
        groups = []
        for narrow, width in zip((0, *_WIDTHS), _WIDTHS, strict=False):
            entries = [entry for entry in pool if narrow < len(entry.ids) <= width]
            rows = max(1, recipe.batch_tokens // width)
            groups += [(width, rows, entries[n : n + rows]) for n in range(0, len(entries), rows)]
        random.Random(f"batches {recipe.seed} {number}").shuffle(groups)
        for width, rows, group in groups:
            tokens = torch.full((rows, width), pad)
            targets = torch.full((rows, width), -100)
            for row, entry in enumerate(group):
                tokens[row, : len(entry.ids)] = torch.tensor(entry.ids)
                first = entry.request - 1 if entry.masked else 0
                targets[row, first : len(entry.ids) - 1] = torch.tensor(entry.ids[first + 1 :])
            yield Batch(tokens, targets)


def loss_of(
    model: Llama, tokens: torch.Tensor, targets: torch.Tensor, read: Reader | None = None
) -> torch.Tensor:
    """Return the mean cross entropy (nats per token) of targets `B, T` for tokens `B, T`.

    Logits are computed only where there is a target. `read` may be a compiled `hidden_states`.
    """
    device = next(model.parameters()).device
    wanted = targets.flatten() != -100
    with torch.autocast(device.type, dtype=torch.bfloat16):
        hidden = (read or hidden_states)(model, tokens.to(device))
        logits = model.logits(hidden[wanted.to(device)])
    return functional.cross_entropy(logits.float(), targets.flatten()[wanted].to(device))


def hidden_states(model: Llama, tokens: torch.Tensor) -> torch.Tensor:
    """Return the hidden states `B * T, C` of token ids `B, T`; each row attends to itself alone."""
    batch, length = tokens.shape
    dtype = torch.get_autocast_dtype(tokens.device.type)
    context = UncachedContext(model.config, batch, length, tokens.device, dtype)
    # On a CPU the backward pass of torch's fused attention is slower than plain matrix products.
    is_cpu = tokens.device.type == "cpu"
    with sdpa_kernel(SDPBackend.MATH) if is_cpu else nullcontext():
        return model(tokens.flatten(), context)


def learning_rate(recipe: Recipe, step: int) -> float:
    """Return the rate at `step`: linear warm-up, constant, then linear decay to `final_share`."""
    if step < recipe.warmup:
        return recipe.learning_rate * (step + 1) / recipe.warmup
    level = max(recipe.warmup, int(recipe.stable_share * recipe.steps))
    done = max(0.0, (step - level) / max(1, recipe.steps - level))
    return recipe.learning_rate * (1 - (1 - recipe.final_share) * min(1.0, done))


def initialise(model: Llama, seed: int) -> None:
    """Fill the weights: normal, std 0.02; projections into the residual stream / sqrt(2 layers)."""
    generator = torch.Generator().manual_seed(seed)
    scale = 1 / math.sqrt(2 * model.config.num_hidden_layers)
    for name, weight in model.named_parameters():
        if weight.dim() == 1:
            torch.nn.init.ones_(weight)
            continue
        deep = name.endswith(("o_proj.weight", "down_proj.weight"))
        torch.nn.init.normal_(weight, std=0.02 * (scale if deep else 1), generator=generator)


def train(source: Samples, out: Path, recipe: Recipe, start: Path | None = None) -> None:
    """Train on the samples of `source` and write model, tokenizer and loss curve to `out`.

    The first `held_out` samples are kept for the held-out loss. A stopped run continues after its
    last saved step; a new one begins with the weights and the tokenizer of the folder `start`, or
    with random weights and a tokenizer of its own. Raises ValueError if no sample is left to train
    on, or if the model in `start` has other sizes than the recipe.
    """
    if recipe.threads:
        torch.set_num_threads(recipe.threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    count = recipe.held_out or min(_MOST_HELD_OUT, max(1, len(source) // 10))
    if count >= len(source):
        raise ValueError(
            f"{count} samples are held out, and there are {len(source)}: give more samples, or "
            "hold out fewer"
        )
    out.mkdir(parents=True, exist_ok=True)
    held_out, samples = SampleRange(source, 0, count), SampleRange(source, count, len(source))

    tokenizer_file = out / "tokenizer.json"
    if start is not None and not tokenizer_file.exists():
        shutil.copyfile(start / "tokenizer.json", tokenizer_file)
    rng = random.Random(recipe.seed)
    if tokenizer_file.exists():
        tokenizer = Tokenizer.from_file(str(tokenizer_file))
    else:
        first_ones = range(min(len(samples), _TOKENIZER_SAMPLES))
        records = (make_record(samples[number], rng) for number in first_ones)
        texts = (record.request + record.answer for record in records)
        tokenizer = train_tokenizer(texts, recipe.vocab_size)
        tokenizer.save(str(tokenizer_file))
    model = Llama(recipe.config(tokenizer))
    if start is None:
        initialise(model, recipe.seed)
    else:
        load_weights(model, start)
    model.to(device)
    log.info("%.2f M parameters", sum(p.numel() for p in model.parameters()) / 1e6)

    optimizers = _optimizers(model, recipe)
    first, seen = resume(out, model, optimizers)
    curve_file = out / "training.csv"
    if not first:
        curve_file.write_text("step,tokens,loss,held_out,seconds\n", encoding="utf-8")
    pad = token_id(tokenizer, PAD)
    most = min(recipe.context, _WIDTHS[-1])
    size = max(_POOL, recipe.batch_tokens // 4)
    probe_pools = RecordPools(held_out, tokenizer, most, size, recipe.seed + 1)
    probe = list(islice(batches(probe_pools.all(), pad, recipe), 6))
    pools = RecordPools(samples, tokenizer, most, size, recipe.seed + 2 + first)
    stream = batches(pools.all(recipe.workers), pad, recipe)
    read = torch.compile(hidden_states, dynamic=False) if recipe.compile else hidden_states
    running = 0.0
    started = time.monotonic()
    for step in range(first, recipe.steps):
        batch = next(stream)
        loss = loss_of(model, batch.tokens, batch.targets, read)
        model.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group.get("share", 1.0) * learning_rate(recipe, step)
            optimizer.step()
        seen += int((batch.targets != -100).sum())
        running += loss.item()
        last = step + 1 == recipe.steps
        if (step + 1) % 10 == 0:
            pace = (time.monotonic() - started) / (step + 1 - first)
            log.info(
                "step %d  %.2f s per step  loss %.3f", step + 1, pace, running / (step % 100 + 1)
            )
        if (step + 1) % 100 == 0 or last:
            # Not under no_grad, which would make torch.compile compile every width again.
            losses = [loss_of(model, b.tokens, b.targets, read).item() for b in probe]
            held = sum(losses) / len(losses)
            row = (step + 1, seen, running / (step % 100 + 1), held, time.monotonic() - started)
            log.info("step %d  %d tokens  loss %.3f  held out %.3f  %.0f s", *row)
            with curve_file.open("a", encoding="utf-8") as curve:
                curve.write("{},{},{:.4f},{:.4f},{:.0f}\n".format(*row))
            running = 0.0
        if (step + 1) % recipe.keep_every == 0 or last:
            progress = {"step": step + 1, "tokens": seen, "recipe": asdict(recipe)}
            keep(out, model, optimizers, progress)
            export(model, out)


def load_weights(model: Llama, start: Path) -> None:
    """Give `model` the weights of a model folder. Raises ValueError if their sizes differ."""
    loaded, _ = load_llama(ModelFiles(start))
    if loaded.config != model.config:
        raise ValueError(
            f"the model in {start} is {loaded.config}, the recipe's is {model.config}: give the "
            "recipe the sizes of the model to start from"
        )
    model.load_state_dict({name: one.float() for name, one in loaded.state_dict().items()})


def export(model: Llama, out: Path) -> None:
    """Write `model.safetensors` (fp16) and `config.json` in the layout of Hugging Face."""
    weights = {
        name: weight.detach().to("cpu", torch.float16).contiguous()
        for name, weight in to_hf_state_dict(model.state_dict(), model.config).items()
    }
    save_file(weights, out / "model.safetensors.part", metadata={"format": "pt"})
    os.replace(out / "model.safetensors.part", out / "model.safetensors")
    text = json.dumps(hf_config(model.config), indent=2) + "\n"
    (out / "config.json").write_text(text, encoding="utf-8")


def _optimizers(model: Llama, recipe: Recipe) -> list[torch.optim.Optimizer]:
    """Return Muon (Jordan et al. 2024) for the layers' matrices, AdamW for embedding and norms.

    Muon's updates are scaled to the RMS of AdamW's, so both use one learning rate.
    """
    inside = [p for name, p in model.named_parameters() if p.dim() > 1 and "embed" not in name]
    embedding = [p for name, p in model.named_parameters() if p.dim() > 1 and "embed" in name]
    norms = [p for p in model.parameters() if p.dim() == 1]
    return [
        torch.optim.Muon(inside, weight_decay=recipe.weight_decay, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(
            [
                {"params": embedding, "weight_decay": recipe.weight_decay, "share": 0.5},
                {"params": norms, "weight_decay": 0.0},
            ],
            betas=(0.9, 0.95),
        ),
    ]
