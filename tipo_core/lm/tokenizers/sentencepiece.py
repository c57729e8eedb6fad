"""A SentencePiece `tokenizer.model` and what the files of a Hugging Face folder say beside it."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .bpe import PieceKind, Pieces, SpacePrefix, sentencepiece_bpe

_BPE = 2  # TrainerSpec.ModelType
_Field = tuple[int, int | bytes]


@dataclass(frozen=True)
class SentencePieceModel:
    """What a model file holds, as far as it decides ids; special ids are None where it has none."""

    pieces: Pieces
    begin: int | None
    end: int | None
    has_prefix: bool


def read_sentencepiece(path: Path) -> SentencePieceModel:
    """Return the content of the SentencePiece model `path`.

    The message is read by its wire format (sentencepiece_model.proto), so that no package is
    needed. Raises ValueError for a file that is none, and for what is not done here: another
    algorithm than BPE, a normalisation of the text, symbols of the user's in the model itself.
    """
    texts, scores, kinds = [], [], []
    trainer: dict[int, int | bytes] = {}
    normalizer: dict[int, int | bytes] = {}
    try:
        for number, content in _fields(path.read_bytes()):
            if number == 1:
                piece = dict(_fields(_bytes(content)))
                texts.append(_bytes(piece[1]).decode("utf-8"))
                scores.append(struct.unpack("<f", _bytes(piece.get(2, b"\0\0\0\0")))[0])
                kinds.append(int(piece.get(3, PieceKind.NORMAL)))
            elif number == 2:
                trainer.update(_fields(_bytes(content)))
            elif number == 3:
                normalizer.update(_fields(_bytes(content)))
        if not texts:
            raise ValueError("it holds no pieces")
    except (ValueError, KeyError, IndexError, TypeError, struct.error) as error:
        raise ValueError(
            f"{path} is no SentencePiece model ({error!r}): copy the model's own tokenizer.json or "
            "tokenizer.model"
        ) from error
    # The defaults are those of the proto file.
    for is_so, what in (
        (trainer.get(3, 1) != _BPE, "is no BPE model"),
        (normalizer.get(2, b"") != b"" or normalizer.get(6, b"") != b"", "normalises its text"),
        (normalizer.get(4, 1) != 0, "removes extra spaces"),
        (normalizer.get(5, 1) != 1, "keeps spaces as they are"),
        (trainer.get(24, 0) != 0, "puts spaces behind words"),
        (PieceKind.USER_DEFINED in kinds, "has user-defined pieces"),
        (PieceKind.UNUSED in kinds, "has unused pieces"),
    ):
        if is_so:
            raise ValueError(
                f"{path} {what}, which is not supported: put the model's tokenizer.json beside it"
            )
    return SentencePieceModel(
        Pieces(texts, kinds, scores),
        begin=_piece_id(trainer.get(41, 1), len(texts)),
        end=_piece_id(trainer.get(42, 2), len(texts)),
        has_prefix=normalizer.get(3, 1) != 0,
    )


def sentencepiece_tokenizer(path: Path) -> Any:
    """Return the `tokenizers.Tokenizer` of `path` and of the files beside it.

    `added_tokens.json` and `tokenizer_config.json` add tokens; the latter also says what is put
    around a text, and by `legacy` (true where it is not said, as in transformers 4) whether a
    space is put behind added tokens as well. Raises ValueError for files that contradict each
    other.
    """
    model = read_sentencepiece(path)
    config = _json(path.with_name("tokenizer_config.json"))
    pieces = _extended(path, model.pieces, _added(path.parent, config))
    pieces = replace(
        pieces,
        begin=model.begin if config.get("add_bos_token", True) else None,
        end=model.end if config.get("add_eos_token", False) else None,
    )
    prefix = SpacePrefix.EVERYWHERE if config.get("legacy", True) else SpacePrefix.BEGINNING
    if not model.has_prefix or config.get("add_prefix_space") is False:
        prefix = SpacePrefix.NOWHERE
    return sentencepiece_bpe(pieces, prefix)


def _fields(message: bytes) -> Iterator[_Field]:
    """Yield number and content of a protobuf message's fields: an int, or the bytes of the rest."""
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
    """Return the number at `at`, seven bits a byte, and where it ends."""
    value = shift = 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise ValueError(f"a number without end at byte {at}")


def _bytes(content: int | bytes) -> bytes:
    if isinstance(content, int):
        raise TypeError("a number where bytes should be")
    return content


def _piece_id(stored: int | bytes, count: int) -> int | None:
    """Return a special id; -1, which is stored as a number beyond every id, is none."""
    return stored if isinstance(stored, int) and stored < count else None


def _json(path: Path) -> dict[str, Any]:
    """Return the object in a file that may be missing."""
    if not path.is_file():
        return {}
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not valid JSON ({error}): copy it again") from error
    if not isinstance(values, dict):
        raise ValueError(f"{path} is no object: copy it again")
    return values


def _added(folder: Path, config: dict[str, Any]) -> dict[int, tuple[str, PieceKind]]:
    """Return the tokens that the files beside a model add to it, by their ids."""
    listed = _json(folder / "added_tokens.json")
    configured = config.get("added_tokens_decoder") or {}
    try:
        found = {int(id_): (text, PieceKind.USER_DEFINED) for text, id_ in listed.items()}
        for id_, token in configured.items():
            text = token["content"]
            if any(token.get(flag) for flag in ("lstrip", "rstrip", "single_word")):
                raise ValueError(f"{text!r} takes in the spaces around it")
            kind = PieceKind.CONTROL if token.get("special") else PieceKind.USER_DEFINED
            found[int(id_)] = text, kind
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"the added tokens in {folder}, in added_tokens.json or tokenizer_config.json, are not "
            f"supported ({error!r}): put the model's tokenizer.json beside them"
        ) from error
    return found


def _extended(path: Path, pieces: Pieces, added: dict[int, tuple[str, PieceKind]]) -> Pieces:
    """Return `pieces` with the added ones behind them, whose ids must follow without a gap."""
    texts, kinds = list(pieces.texts), list(pieces.kinds)
    for id_, (text, kind) in sorted(added.items()):
        if id_ < len(pieces.texts):
            if pieces.texts[id_] != text:
                raise ValueError(
                    f"{path} has {pieces.texts[id_]!r} under {id_}, the files beside it have "
                    f"{text!r}: take all from the same model"
                )
            kinds[id_] = PieceKind.UNKNOWN if kinds[id_] == PieceKind.UNKNOWN else kind
        elif id_ == len(texts):
            texts.append(text)
            kinds.append(kind)
        else:
            raise ValueError(
                f"{path} and the files beside it give no token the id {len(texts)}: take all from "
                "the same model"
            )
    scores = [*pieces.scores, *[0.0] * (len(texts) - len(pieces.scores))]
    try:
        return Pieces(texts, kinds, scores)
    except ValueError as error:
        raise ValueError(
            f"{path} and the files beside it do not fit each other ({error}): take all from the "
            "same model"
        ) from error
