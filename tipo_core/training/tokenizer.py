"""A byte-level BPE tokenizer with the TIPO tokens, trained on the text of the records."""

from __future__ import annotations

from collections.abc import Iterable

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, processors
from tokenizers.trainers import BpeTrainer

BOS, EOS, PAD = "<s>", "</s>", "<pad>"
# In the order of the TIPO vocabulary.
TIPO_TOKENS = tuple(
    f"<|{name}|>"
    for name in (
        "empty", "very_short", "short", "long", "very_long", "tag_to_long", "long_to_tag",
        "short_to_tag", "short_to_long", "tag_to_short_to_long", "short_to_tag_to_long",
        "short_to_long_to_tag", "gen_meta",
    )
)  # fmt: skip
# Words keep their digits (`1girl` can be one token); a space belongs to the word after it.
_PIECES = Regex(r" ?[\p{L}\p{N}]+| ?[^\s\p{L}\p{N}]+|\n|\s+")


def token_id(tokenizer: Tokenizer, token: str) -> int:
    """Return the id of a special token of a tokenizer that `train_tokenizer` made."""
    found = tokenizer.token_to_id(token)
    assert found is not None, f"the tokenizer has no {token}"
    return int(found)


def train_tokenizer(texts: Iterable[str], vocab_size: int) -> Tokenizer:
    """Return a tokenizer of `vocab_size` entries, special tokens included, trained on `texts`."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(_PIECES, behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[
            AddedToken(token, special=True, normalized=False)
            for token in (BOS, EOS, PAD, *TIPO_TOKENS)
        ],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    bos = tokenizer.token_to_id(BOS)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BOS} $A", special_tokens=[(BOS, bos)]
    )
    return tokenizer
