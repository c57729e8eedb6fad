"""The shipped tipo-nano: its files, its size, its answers."""

from __future__ import annotations

import re

import pytest
import torch

from tipo_core.expansion.expand import expand
from tipo_core.expansion.fields import fill_fields
from tipo_core.expansion.format import Request
from tipo_core.expansion.request import ExpansionRequest
from tipo_core.expansion.tasks import Field, Length, Task
from tipo_core.lm.files.loader import load_llama
from tipo_core.lm.generate.engine import LlamaLanguageModel
from tipo_core.lm.generate.sampling_options import SamplingOptions
from tipo_core.lm.hub.catalog import shipped_model
from tipo_core.prompt.vocabulary.blocklist import blocklist_matches
from tipo_core.training.tokenizer import TIPO_TOKENS

GIVEN = {
    Field.TAG: "1girl, solo, cat ears",
    Field.SHORT: "A girl with cat ears is reading a book.",
    Field.LONG: "A girl with cat ears is reading a book. She is sitting indoors.",
}


@pytest.fixture(scope="module")
def nano() -> LlamaLanguageModel:
    model, tokenizer = load_llama(shipped_model())
    device = torch.device("cpu")
    return LlamaLanguageModel(
        model, tokenizer, SamplingOptions(), device=device, dtype=torch.float32
    )


def test_size_and_vocabulary(nano: LlamaLanguageModel) -> None:
    files = shipped_model()
    parameters = sum(weight.numel() for weight in nano.model.parameters())
    assert 10e6 <= parameters <= 15e6
    folder = files.folder.iterdir()
    assert sum(path.stat().st_size for path in folder) <= 30e6
    ids = [nano.tokenizer.encode(token) for token in TIPO_TOKENS]
    assert all(len(one) == 2 for one in ids)  # the begin token and the token itself
    assert [one[1] for one in ids] == list(range(ids[0][1], ids[0][1] + len(TIPO_TOKENS)))


@pytest.mark.xdist_group("transformers")
def test_transformers_opens_it_with_the_same_logits(nano: LlamaLanguageModel) -> None:
    transformers = pytest.importorskip("transformers")
    theirs = transformers.LlamaForCausalLM.from_pretrained(
        shipped_model().folder, dtype=torch.float32
    )
    tokens = torch.tensor([nano.tokenizer.encode("target: <|long|>\ntag: 1girl, cat ears, hat")])
    with torch.inference_mode():
        assert (nano.model.sequence_logits(tokens) - theirs(tokens).logits).abs().max() < 1e-4


@pytest.mark.parametrize("task", Task)
def test_answers_have_the_form_and_length_of_their_task(
    nano: LlamaLanguageModel, task: Task
) -> None:
    first = task.fields[0]
    given = {first: GIVEN[first]}
    request = Request(task, Length.VERY_SHORT, given, {"rating": "safe"}, gen_meta=True)
    (filled,) = nano.run([fill_fields(request, 5)])
    assert filled.answer.well_formed and filled.reached
    assert set(filled.answer.fields) == set(task.fields[1:] or task.fields)
    assert all(blocklist_matches(text) == () for text in filled.answer.fields.values())


def test_an_expansion_reaches_its_length_class_and_is_repeatable(nano: LlamaLanguageModel) -> None:
    request = ExpansionRequest(
        tags="1girl, cat ears, reading a book",
        tag_length=Length.SHORT,
        caption_length=Length.SHORT,
        seed=3,
        variants=2,
        at_least=True,
    )
    first, second = expand(nano, request)
    assert all(step.result.reached for step in (*first.passes, *second.passes))
    assert first.prompt != second.prompt
    assert expand(nano, request)[0].prompt == first.prompt
    assert 18 <= len(first.tags.split(",")) <= 36


def test_the_model_card_has_the_figures() -> None:
    card = (shipped_model().folder / "README.md").read_text(encoding="utf-8")
    for word in ("Data", "Recipe", "Loss", "Limits", "distinct-2", "block list"):
        assert word in card
    assert len(re.findall(r"^### ", card, re.MULTILINE)) >= len(Task)


def test_no_end_token_and_no_newline_before_the_minimum_length(
    nano: LlamaLanguageModel,
) -> None:
    tokenizer = nano.tokenizer
    assert [tokenizer.decode([number]) for number in tokenizer.newline_ids] == ["\n"]
    prompt = (
        "target: <|very_short|> <|short_to_tag_to_long|>\nshort: A planet with two moons.\n"
        "tag: planet, red, smooth, two moons, no ring, space"
    )
    at_once = [nano.complete(prompt, seed=seed).text for seed in range(6)]
    assert all("\n" in text[:2] for text in at_once), "the model would end the line here"
    for seed in range(6):
        done = nano.complete(prompt, seed=seed, min_new_tokens=5)
        assert done.new_tokens >= 5
        assert "\n" not in done.text[:2]
