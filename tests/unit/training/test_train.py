"""Training: a run learns, continues after a stop, and writes a folder that others can open."""

from __future__ import annotations

import csv
import json
import random
from dataclasses import replace
from itertools import islice, pairwise
from pathlib import Path

import pytest
import torch

from tipo_core.expansion.tasks import Length, Task
from tipo_core.lm.files.loader import load_llama
from tipo_core.lm.files.model_files import ModelFiles
from tipo_core.lm.model.kv_cache import UncachedContext
from tipo_core.lm.model.llama import Llama
from tipo_core.training.__main__ import main
from tipo_core.training.record_pools import RecordPools, encode
from tipo_core.training.records import Record
from tipo_core.training.sample import Sample, read_samples
from tipo_core.training.tokenizer import BOS, EOS, PAD, TIPO_TOKENS, token_id, train_tokenizer
from tipo_core.training.train import (
    Recipe,
    batches,
    initialise,
    learning_rate,
    loss_of,
    train,
)

RECIPE = Recipe(
    vocab_size=500,
    hidden_size=32,
    intermediate_size=64,
    layers=1,
    heads=2,
    kv_heads=1,
    held_out=16,
    workers=1,
    batch_tokens=2048,
    steps=12,
    warmup=2,
    compile=0,
)


_WORDS = "hat coat dress book cat dog tree sky moon chair table cup bird boots scarf".split()


def _sample(number: int) -> Sample:
    rng = random.Random(number)
    things = rng.sample(_WORDS, 10)
    sentences = tuple(f"There is a {one} beside the {two}." for one, two in pairwise(things[:5]))
    return Sample(("1girl", *things), sentences, {"rating": "safe"})


SAMPLES = [_sample(number) for number in range(80)]


@pytest.mark.xdist_group("transformers")
def test_a_run_learns_and_writes_an_ordinary_folder(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    train(SAMPLES, tmp_path, RECIPE)
    files = ModelFiles(tmp_path)
    model, tokenizer = load_llama(files)
    theirs = transformers.LlamaForCausalLM.from_pretrained(tmp_path, dtype=torch.float32)
    fast = transformers.PreTrainedTokenizerFast(tokenizer_file=str(files.tokenizer))
    text = "target: <|long|> <|tag_to_long|>\ntag: 1girl, cat ears\nlong:"
    ids = tokenizer.encode(text)
    assert fast(text)["input_ids"] == ids
    tokens = torch.tensor([ids])
    with torch.inference_mode():
        assert (model.sequence_logits(tokens) - theirs(tokens).logits).abs().max() < 1e-4
    rows = list(csv.DictReader((tmp_path / "training.csv").open()))
    assert [row["step"] for row in rows] == ["12"]
    assert float(rows[0]["held_out"]) < 6.2  # ln 500: a model that has learned nothing


def test_a_stopped_run_continues_after_its_last_step(tmp_path: Path) -> None:
    train(SAMPLES, tmp_path, replace(RECIPE, steps=4))
    before = (tmp_path / "model.safetensors").read_bytes()
    train(SAMPLES, tmp_path, replace(RECIPE, steps=4))
    assert (tmp_path / "model.safetensors").read_bytes() == before
    train(SAMPLES, tmp_path, replace(RECIPE, steps=6))
    assert (tmp_path / "model.safetensors").read_bytes() != before
    rows = list(csv.DictReader((tmp_path / "training.csv").open()))
    assert [row["step"] for row in rows] == ["4", "6"]
    assert int(rows[1]["tokens"]) > int(rows[0]["tokens"])


def test_a_run_goes_on_from_the_weights_of_a_model(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    train(SAMPLES, first, replace(RECIPE, steps=6))
    # A rate of 0 leaves the weights as they are.
    train(SAMPLES, second, replace(RECIPE, steps=1, learning_rate=0.0, seed=5), start=first)
    assert (second / "model.safetensors").read_bytes() == (first / "model.safetensors").read_bytes()
    assert (second / "tokenizer.json").read_bytes() == (first / "tokenizer.json").read_bytes()
    # A stopped run continues with its own weights, not with those of the start.
    train(SAMPLES, second, replace(RECIPE, steps=3, seed=5), start=first)
    learned = (second / "model.safetensors").read_bytes()
    assert learned != (first / "model.safetensors").read_bytes()
    rows = list(csv.DictReader((second / "training.csv").open(encoding="utf-8")))
    assert [row["step"] for row in rows] == ["1", "3"]


def test_a_model_of_other_sizes_is_no_start(tmp_path: Path) -> None:
    train(SAMPLES, tmp_path / "first", replace(RECIPE, steps=1))
    with pytest.raises(ValueError, match="give the recipe the sizes of the model"):
        larger = replace(RECIPE, hidden_size=64)
        train(SAMPLES, tmp_path / "second", larger, start=tmp_path / "first")


def test_the_command_goes_on_from_a_folder(tmp_path: Path) -> None:
    file = tmp_path / "samples.jsonl"
    rows = [{"tags": list(one.tags), "caption": list(one.sentences)} for one in SAMPLES]
    file.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    options = "--hidden-size 32 --intermediate-size 64 --layers 1 --heads 2 --kv-heads 1".split()
    options += "--vocab-size 500 --batch-tokens 2048 --workers 1 --compile 0".split()
    first, second = str(tmp_path / "first"), str(tmp_path / "second")
    given = ["--samples", str(file), *options]
    assert main([*given, "--out", first, "--steps", "2"]) == 0
    last = ["--out", second, "--from", first, "--steps", "1", "--learning-rate", "0"]
    assert main([*given, *last]) == 0
    weights = [Path(folder, "model.safetensors").read_bytes() for folder in (first, second)]
    assert weights[0] == weights[1]


def test_special_tokens_are_single_and_any_text_survives() -> None:
    tokenizer = train_tokenizer(["1girl, cat ears. A girl reads."] * 9, 320)
    for token in (BOS, EOS, *TIPO_TOKENS):
        assert len(tokenizer.encode(token, add_special_tokens=False).ids) == 1
    for text in ("1girl, 5 \u732b\n^_^ (a:1.2)\t\\", "  spaces  stay ", "\U0001f431"):
        assert tokenizer.decode(tokenizer.encode(text).ids) == text
    assert tokenizer.encode("1girl").ids[0] == tokenizer.token_to_id(BOS)


def test_a_masked_request_is_not_learned() -> None:
    tokenizer = train_tokenizer(["target: <|long|>\ntag: 1girl, hat, coat"] * 9, 320)
    record = Record("target: <|long|>\ntag: 1girl", ", hat, coat", True, Task.TAGS, Length.LONG)
    ids, request = encode(record, tokenizer, 512)
    assert tokenizer.decode(ids[request:]) == ", hat, coat"
    assert ids[-1] == tokenizer.token_to_id(EOS)
    sample = Sample(("1girl", "hat", "coat"), ("A girl.", "She wears a hat."), {"rating": "safe"})
    pools = RecordPools([sample], tokenizer, 512, 4096, 0)
    batch = next(batches(pools.all(), token_id(tokenizer, PAD), RECIPE))
    assert batch.tokens.shape == batch.targets.shape
    learned = batch.targets != -100
    assert learned.any()
    # Every target is the token that follows.
    rows, places = learned.nonzero(as_tuple=True)
    inside = places + 1 < batch.tokens.shape[1]
    following = batch.tokens[rows[inside], places[inside] + 1]
    assert torch.equal(batch.targets[rows[inside], places[inside]], following)


def test_a_record_with_a_blocked_word_is_no_part_of_a_batch(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tokenizer = train_tokenizer(["tag: hat, coat nude"] * 9, 300)
    texts = iter(["hat", "nude", "coat"] * 99)

    def scripted(*_: object) -> Record:
        return Record("tag:", f" {next(texts)}", False, Task.TAGS, Length.LONG)

    monkeypatch.setattr("tipo_core.training.record_pools.make_record", scripted)
    sample = Sample(("hat",), ("A hat.",))
    with caplog.at_level("INFO"):
        pools = RecordPools([sample] * 3, tokenizer, 512, 4096, 0)
        batch = next(batches(pools.all(), token_id(tokenizer, PAD), RECIPE))
    text = tokenizer.decode(batch.tokens.flatten().tolist())
    assert "hat" in text and "coat" in text and "nude" not in text
    assert "left out" in caplog.text


def test_the_number_of_processes_does_not_change_the_records() -> None:
    tokenizer = train_tokenizer(["tag: hat, coat, a girl wears it."] * 9, 300)
    samples = SAMPLES[:50]
    pools = RecordPools(samples, tokenizer, 96, 20, seed=5)
    alone, together = (list(islice(pools.all(workers), 6)) for workers in (1, 2))
    assert alone == together
    assert [len(pool) for pool in alone] == [20] * 6
    # Every sample comes once before one comes again, in another order, and in other words.
    orders = [pools.order(number) for number in (0, 1)]
    assert [sorted(order) for order in orders] == [list(range(len(samples)))] * 2
    assert orders[0] != orders[1]
    assert all(len(entry.ids) <= 96 for pool in alone for entry in pool)


def test_plain_attention_has_the_gradient_of_the_fused_one() -> None:
    """A CPU trains with plain matrix products, which are faster backward."""
    tokenizer = train_tokenizer(["a cat, a dog and a bird"] * 40, 300)
    recipe = Recipe(hidden_size=32, intermediate_size=64, layers=2, heads=4, kv_heads=2)
    model = Llama(recipe.config(tokenizer))
    initialise(model, 1)
    tokens = torch.arange(24).reshape(2, 12) % 20
    targets = tokens.roll(-1, 1)

    def fused(model: Llama, tokens: torch.Tensor) -> torch.Tensor:
        dtype = torch.get_autocast_dtype("cpu")
        batch, length = tokens.shape
        context = UncachedContext(model.config, batch, length, tokens.device, dtype)
        return model(tokens.flatten(), context)

    found = []
    for read in (None, fused):
        model.zero_grad()
        loss = loss_of(model, tokens, targets, read)
        loss.backward()
        gradients = [one.grad.flatten() for one in model.parameters() if one.grad is not None]
        found.append((loss.item(), torch.cat(gradients)))
    (plain_loss, gradient), (fused_loss, other) = found
    assert plain_loss == pytest.approx(fused_loss, abs=2e-3)
    assert torch.nn.functional.cosine_similarity(gradient, other, dim=0) > 0.999


def test_the_learning_rate_warms_up_stays_level_and_falls_in_a_line() -> None:
    recipe = replace(RECIPE, steps=100, warmup=4, stable_share=0.4, final_share=0.02)
    rates = [learning_rate(recipe, step) / recipe.learning_rate for step in range(100)]
    assert rates[:4] == pytest.approx([0.25, 0.5, 0.75, 1.0])
    assert rates[4:40] == [1.0] * 36
    assert rates[70] == pytest.approx(0.51)
    assert rates[-1] == pytest.approx(0.02, abs=0.02)
    falls = [one - two for one, two in pairwise(rates[40:])]
    assert falls == pytest.approx([0.98 / 60] * len(falls))


def test_a_users_file_trains_a_model(tmp_path: Path) -> None:
    lines = [
        {"tags": list(one.tags), "caption": " ".join(one.sentences), "meta": dict(one.meta)}
        for one in SAMPLES
    ]
    file = tmp_path / "samples.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)) + "\n\n", encoding="utf-8")
    assert read_samples(file) == SAMPLES
    out = tmp_path / "model"
    shape = "--vocab-size 400 --hidden-size 32 --intermediate-size 64 --layers 1 --heads 2"
    run = "--kv-heads 1 --batch-tokens 2048 --steps 2 --workers 1 --compile 0"
    assert main(["--samples", str(file), "--out", str(out), *shape.split(), *run.split()]) == 0
    model, tokenizer = load_llama(ModelFiles(out))
    assert model.sequence_logits(torch.tensor([tokenizer.encode("tag: hat")])).isfinite().all()


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("[1]", "not a JSON object"),
        ('{"tags": ["hat"], "caption": "A hat.", "tag": 1}', "unknown key 'tag'"),
        ('{"tags": "hat", "caption": "A hat."}', "'tags' must be a list"),
        ('{"tags": ["hat, coat"], "caption": "A hat."}', "contains a comma"),
        ('{"tags": ["hat"], "caption": " "}', "'caption' must be a text"),
        ('{"tags": ["hat"], "caption": "A hat.", "meta": {"mood": "calm"}}', "meta key 'mood'"),
        ('{"tags": ["hat"], "caption": "A hat.", "meta": {"rating": 1}}', "values are strings"),
        ('{"tags": ["hat"], "caption": "A hat.", "in_order": 1}', "true or false"),
    ],
)
def test_a_wrong_line_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str, problem: str
) -> None:
    file = tmp_path / "samples.jsonl"
    file.write_text('{"tags": ["hat"], "caption": ["A hat."]}\n' + line, encoding="utf-8")
    assert main(["--samples", str(file), "--out", str(tmp_path / "out")]) == 1
    message = capsys.readouterr().err
    assert "line 2" in message and problem in message


def test_held_out_samples_leave_some_to_train_on(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="16 samples are held out"):
        train(SAMPLES[:16], tmp_path, RECIPE)
