"""A SentencePiece `tokenizer.model`, with the settings of the Hugging Face files in its folder.

The file is parsed by its protobuf wire format, about forty lines, so that neither `sentencepiece`
nor `protobuf` is needed. `transformers` needs both for the same conversion.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .bpe import SpacePrefix, TokenType, Vocabulary, sentencepiece_bpe

_BPE = 2  # the number of BPE in TrainerSpec.ModelType
_Field = tuple[int, int | bytes]


@dataclass(frozen=True)
class SentencePieceModel:
    """The settings of a model file that affect ids; a special id that is missing is None.

    `has_prefix` says whether the model puts a space before text.
    """

    vocabulary: Vocabulary
    begin: int | None
    end: int | None
    has_prefix: bool


def read_sentencepiece(path: Path) -> SentencePieceModel:
    """Return the content of the SentencePiece model `path`.

    The field numbers and defaults are those of sentencepiece_model.proto. Raises ValueError for
    another type of file, and for unsupported settings: another algorithm than BPE, normalization of
    text, user-defined symbols in the model itself.
    """
    texts, scores, types = [], [], []
    trainer: dict[int, int | bytes] = {}
    normalizer: dict[int, int | bytes] = {}
    try:
        for number, content in _fields(path.read_bytes()):
            if number == 1:
                piece = dict(_fields(_bytes(content)))
                texts.append(_bytes(piece[1]).decode("utf-8"))
                scores.append(struct.unpack("<f", _bytes(piece.get(2, b"\0\0\0\0")))[0])
                types.append(int(piece.get(3, TokenType.NORMAL)))
            elif number == 2:
                trainer.update(_fields(_bytes(content)))
            elif number == 3:
                normalizer.update(_fields(_bytes(content)))
        if not texts:
            raise ValueError("it has no pieces")
    except (ValueError, KeyError, IndexError, TypeError, struct.error) as error:
        raise ValueError(
            f"{path} is not a SentencePiece model ({type(error).__name__}: {error}): copy the "
            "model's own tokenizer.json or tokenizer.model"
        ) from error
    for is_unsupported, problem in (
        (trainer.get(3, 1) != _BPE, "is not a BPE model"),
        (normalizer.get(2, b"") != b"" or normalizer.get(6, b"") != b"", "normalizes text"),
        (normalizer.get(4, 1) != 0, "removes extra spaces"),
        (normalizer.get(5, 1) != 1, "does not escape spaces"),
        (trainer.get(24, 0) != 0, "puts spaces after words"),
        (TokenType.USER_DEFINED in types, "has user-defined pieces"),
        (TokenType.UNUSED in types, "has unused pieces"),
    ):
        if is_unsupported:
            raise ValueError(
                f"{path} {problem}, which is not supported: put the model's tokenizer.json into "
                "its folder"
            )
    return SentencePieceModel(
        Vocabulary(texts, types, scores),
        begin=_piece_id(trainer.get(41, 1), len(texts)),
        end=_piece_id(trainer.get(42, 2), len(texts)),
        has_prefix=normalizer.get(3, 1) != 0,
    )


def sentencepiece_tokenizer(path: Path) -> Any:
    """Return the `tokenizers.Tokenizer` of `path` and of the other files in its folder.

    `added_tokens.json` and `tokenizer_config.json` add tokens. The latter also says which tokens
    are added before and after a text, and by `legacy` (default true, as in transformers 4) whether
    a space is put after added tokens too. Raises ValueError for files that contradict each other.
    """
    model = read_sentencepiece(path)
    config = _json(path.with_name("tokenizer_config.json"))
    vocabulary = _with_added_tokens(path, model.vocabulary, _added_tokens(path.parent, config))
    vocabulary = replace(
        vocabulary,
        begin=model.begin if config.get("add_bos_token", True) else None,
        end=model.end if config.get("add_eos_token", False) else None,
    )
    prefix = SpacePrefix.EVERYWHERE if config.get("legacy", True) else SpacePrefix.BEGINNING
    if not model.has_prefix or config.get("add_prefix_space") is False:
        prefix = SpacePrefix.NOWHERE
    return sentencepiece_bpe(vocabulary, prefix)


def _fields(message: bytes) -> Iterator[_Field]:
    """Yield number and value of a protobuf message's fields: an int for a varint, else bytes."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        wire = key & 7
        if wire == 0:
            value, at = _varint(message, at)
            yield key >> 3, value
            continue
        if wire == 2:
            size, at = _varint(message, at)
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
        else:
            raise ValueError(f"wire type {wire} at byte {at}")
        if size > len(message) - at:
            raise ValueError(f"it ends inside a field of {size} bytes")
        yield key >> 3, message[at : at + size]
        at += size


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """Return the number at `at`, seven bits per byte, and the position after it."""
    value = shift = 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise ValueError(f"a number longer than 64 bits at byte {at}")


def _bytes(content: int | bytes) -> bytes:
    """Return the value of a bytes field; raise TypeError for a number."""
    if isinstance(content, int):
        raise TypeError("a number where bytes should be")
    return content


def _piece_id(stored: int | bytes, count: int) -> int | None:
    """Return a special id, None if it is -1, which is stored as a number above every id."""
    return stored if isinstance(stored, int) and stored < count else None


def _json(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file, an empty one if the file is missing."""
    if not path.is_file():
        return {}
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not valid JSON ({error}): copy it again") from error
    if not isinstance(values, dict):
        raise ValueError(f"{path} is not a JSON object: copy it again")
    return values


def _added_tokens(folder: Path, config: dict[str, Any]) -> dict[int, tuple[str, TokenType]]:
    """Return text and type of the tokens that the other files add to a model, by id."""
    listed = _json(folder / "added_tokens.json")
    configured = config.get("added_tokens_decoder") or {}
    try:
        found = {int(id_): (text, TokenType.USER_DEFINED) for text, id_ in listed.items()}
        for id_, token in configured.items():
            text = token["content"]
            if any(token.get(flag) for flag in ("lstrip", "rstrip", "single_word")):
                raise ValueError(f"{text!r} absorbs the spaces around it")
            type_ = TokenType.CONTROL if token.get("special") else TokenType.USER_DEFINED
            found[int(id_)] = text, type_
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"the added tokens in {folder}, in added_tokens.json or tokenizer_config.json, are not "
            f"supported ({type(error).__name__}: {error}): put the model's tokenizer.json into "
            "that folder"
        ) from error
    return found


def _with_added_tokens(
    path: Path, vocabulary: Vocabulary, added: dict[int, tuple[str, TokenType]]
) -> Vocabulary:
    """Return `vocabulary` with the added tokens appended; new ids must continue without a gap."""
    texts, types = list(vocabulary.texts), list(vocabulary.types)
    for id_, (text, type_) in sorted(added.items()):
        if id_ < len(vocabulary.texts):
            if vocabulary.texts[id_] != text:
                raise ValueError(
                    f"{path} has {vocabulary.texts[id_]!r} as id {id_}, the other files in its "
                    f"folder have {text!r}: take all from the same model"
                )
            types[id_] = TokenType.UNKNOWN if types[id_] == TokenType.UNKNOWN else type_
        elif id_ == len(texts):
            texts.append(text)
            types.append(type_)
        else:
            raise ValueError(
                f"{path} and the other files in its folder have no token with the id {len(texts)}: "
                "take all from the same model"
            )
    scores = [*vocabulary.scores, *[0.0] * (len(texts) - len(vocabulary.scores))]
    try:
        return Vocabulary(texts, types, scores)
    except ValueError as error:
        raise ValueError(
            f"{path} and the other files in its folder do not fit each other ({error}): take all "
            "from the same model"
        ) from error
