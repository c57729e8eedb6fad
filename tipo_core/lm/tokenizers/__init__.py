"""Text to token ids and back.

- `text_tokenizer`: the tokenizer of a model.
- `bpe`: builds the two kinds of byte-pair encoding from their vocabularies.
- `sentencepiece`: reads `tokenizer.model` files.
"""
