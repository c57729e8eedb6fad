"""Damaged model files: random damage of files in memory, and readers that are not the project's.

Damage of the structure (headers, sizes, JSON) must be an error or change no weight. Damage of the
weights themselves has no checksum to find it: the loaded weights must be those of the file.
"""

from __future__ import annotations

import json
import random
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch

from tipo_core.lm.model.config import LlamaConfig

from .gguf_models import NAMES, put_apart

PAGE = b"<!DOCTYPE html>\n<html><body>Log in to use this network.</body></html>\n"
# Values that a JSON entry is replaced with.
HOSTILE: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2, 3, 7, 2**31, 2**63, 2**70, 0.5, -1e-9, 1e308),
    *("", "x", "1", "../x", "\x00", [], [[]], [None], [1, "a"], {}, {"a": {}}, {"": None}),
)
RAW = ("1e999", "NaN", "-Infinity", "[" * 100_000, '{"a":' * 50_000, '"' + "x" * 100_000, "\ud800")
COUNTS = (0, 1, 2**16, 2**24 + 1, 2**31, 2**40, 2**62, 2**64 - 1)


@dataclass(frozen=True)
class Damaged:
    """A damaged file: its new bytes, and whether bytes of weights differ in their place."""

    name: str
    kind: str
    content: bytes
    changes_weights: bool


def damaged(random_: random.Random, files: Mapping[str, bytes]) -> Damaged:
    """Return one random damage of one of `files`, by name."""
    name = random_.choice(sorted(files))
    content = files[name]
    kinds: list[Callable[[random.Random, bytes], bytes]] = [flips, cut, longer, hole, removed, page]
    if name.endswith(".json"):
        kinds += [json_entry, json_entry, json_entry, json_raw, json_without]
        begin = len(content)
    elif name.endswith(".gguf"):
        kinds += [gguf_field, gguf_field, gguf_field, gguf_count, gguf_swap, header_flips]
        begin = gguf_begin(content)
    elif name.endswith(".safetensors"):
        kinds += [safetensors_entry, safetensors_entry, safetensors_swap, header_flips]
        kinds += [safetensors_length]
        begin = 8 + struct.unpack("<Q", content[:8])[0]
    else:
        begin = len(content)
    chosen = random_.choice(kinds)
    end = begin if chosen is header_flips else 0
    changed = flips(random_, content, end) if end else chosen(random_, content)
    changes_weights = len(changed) == len(content) and changed[begin:] != content[begin:]
    return Damaged(name, chosen.__name__, changed, changes_weights)


def flips(random_: random.Random, content: bytes, end: int = 0) -> bytes:
    """Flip up to eight bits, before `end` if it is given."""
    changed = bytearray(content)
    for _ in range(random_.randint(1, 8)):
        changed[random_.randrange(end or len(changed))] ^= 1 << random_.randrange(8)
    return bytes(changed)


def header_flips(random_: random.Random, content: bytes) -> bytes:
    """Stand in for `flips` of a header."""
    raise NotImplementedError


def cut(random_: random.Random, content: bytes) -> bytes:
    return content[: random_.randrange(len(content))]


def longer(random_: random.Random, content: bytes) -> bytes:
    return content + random_.randbytes(random_.choice((1, 7, 32, 4096)))


def hole(random_: random.Random, content: bytes) -> bytes:
    """Zero a block, as a file system does after a crash."""
    size = random_.choice((16, 512, 4096))
    at = random_.randrange(len(content)) // size * size
    return content[:at] + bytes(min(size, len(content) - at)) + content[at + size :]


def removed(random_: random.Random, content: bytes) -> bytes:
    at = random_.randrange(len(content))
    return content[:at] + content[at + random_.choice((1, 4, 512)) :]


def page(random_: random.Random, content: bytes) -> bytes:
    return PAGE


def _places(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths of all entries of a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    found = []
    for key, entry in inner:
        found.append((*place, key))
        if isinstance(entry, (dict, list)):
            found += _places(entry, (*place, key))
    return found


def _changed(random_: random.Random, content: bytes, change: Callable[[Any, Any], None]) -> bytes:
    values = json.loads(content)
    *path, last = random_.choice(_places(values))
    holder = values
    for key in path:
        holder = holder[key]
    change(holder, last)
    return json.dumps(values).encode()


def json_entry(random_: random.Random, content: bytes) -> bytes:
    value = random_.choice(HOSTILE)
    return _changed(random_, content, lambda holder, key: holder.__setitem__(key, value))


def json_without(random_: random.Random, content: bytes) -> bytes:
    return _changed(random_, content, lambda holder, key: holder.__delitem__(key))


def json_raw(random_: random.Random, content: bytes) -> bytes:
    """Write text in place of a value that no JSON writer would write."""
    marked = _changed(random_, content, lambda holder, key: holder.__setitem__(key, "MARK"))
    return marked.replace(b'"MARK"', random_.choice(RAW).encode("utf-8", "surrogatepass"), 1)


def _with_header(content: bytes, change: Callable[[dict[str, Any]], None]) -> bytes:
    size = struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8 : 8 + size])
    change(header)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + content[8 + size :]


def safetensors_entry(random_: random.Random, content: bytes) -> bytes:
    """Change the dtype, shape, offsets or name of a tensor."""

    def change(header: dict[str, Any]) -> None:
        names = [name for name in header if name != "__metadata__"]
        name = random_.choice(names)
        entry = header[name]
        what = random_.choice(("dtype", "shape", "data_offsets", "name", "gone", "again", "odd"))
        if what == "dtype":
            kinds = ("F64", "F32", "F16", "I32", "I8", "BOOL", "F8_E4M3", "X", "", 3, None)
            entry["dtype"] = random_.choice([kind for kind in kinds if kind != entry["dtype"]])
        elif what == "shape":
            shape = [*entry["shape"]]
            shape[random_.randrange(len(shape))] = random_.choice((0, -1, 1, 2**40, 2**64, None))
            entry["shape"] = random_.choice((shape, [], [2**32, 2**32], "x"))
        elif what == "data_offsets":
            begin, end = entry["data_offsets"]
            by = random_.choice((1, 4, -4, 64, 2**40))
            entry["data_offsets"] = random_.choice(
                ([begin + by, end + by], [begin, end + by], [end, begin], [begin], [-1, end])
            )
        elif what == "name":
            header[random_.choice((name + "x", "", "a" * 10_000))] = header.pop(name)
        elif what == "gone":
            del header[name]
        elif what == "again":
            header[name + ".copy"] = entry
        else:
            header[name] = random_.choice((None, [], 3, {"dtype": "F32"}))

    return _with_header(content, change)


def safetensors_swap(random_: random.Random, content: bytes) -> bytes:
    """Exchange the places of two tensors of different sizes."""

    def size(entry: dict[str, Any]) -> int:
        begin, end = entry["data_offsets"]
        return int(end - begin)

    def change(header: dict[str, Any]) -> None:
        names = [name for name in header if name != "__metadata__"]
        one, other = random_.choice(
            [(a, b) for a in names for b in names if size(header[a]) != size(header[b])]
        )
        first, second = header[one], header[other]
        first["data_offsets"], second["data_offsets"] = (
            second["data_offsets"], first["data_offsets"],
        )  # fmt: skip

    return _with_header(content, change)


def safetensors_length(random_: random.Random, content: bytes) -> bytes:
    size = struct.unpack("<Q", content[:8])[0]
    wrong = random_.choice((*COUNTS, size - 1, size + 1, size + 8, size - 8))
    return struct.pack("<Q", wrong % 2**64) + content[8:]


def _reader(content: bytes) -> gguf.GGUFReader:
    """Return the package's reader of a file in memory."""
    path = Path(f"/dev/shm/damage-{id(content)}.gguf")
    if not path.parent.is_dir():
        import tempfile

        path = Path(tempfile.mkdtemp()) / "damage.gguf"
    path.write_bytes(content)
    try:
        return gguf.GGUFReader(path)
    finally:
        path.unlink()


def gguf_begin(content: bytes) -> int:
    return int(_reader(content).data_offset)


def _tensor_field(reader: gguf.GGUFReader, number: int, part: int) -> tuple[int, Any]:
    """Return position and values of a part: 0 name length, 2 dimensions, 3 shape, 4 type, 5 at."""
    found = reader.tensors[number].field
    return found.offset + sum(one.nbytes for one in found.parts[:part]), found.parts[part]


def _patched(content: bytes, at: int, value: bytes) -> bytes:
    return content[:at] + value + content[at + len(value) :]


def gguf_field(random_: random.Random, content: bytes) -> bytes:
    """Change the type, offset, number of dimensions, shape or name length of a tensor."""
    reader = _reader(content)
    number = random_.randrange(len(reader.tensors))
    part = random_.choice((0, 2, 3, 3, 4, 4, 5, 5))
    at, old = _tensor_field(reader, number, part)
    if part == 4:
        # F16 and BF16 have one size: such a label cannot be found wrong.
        same = (1, 30) if old[0] in (1, 30) else (old[0],)
        others = [kind for kind in (*range(0, 42), 255, 2**31) if kind not in same]
        return _patched(content, at, struct.pack("<I", random_.choice(others)))
    if part == 2:
        return _patched(content, at, struct.pack("<I", random_.choice((0, 1, 3, 4, 5, 2**31))))
    wrong = random_.choice((*COUNTS, int(old[0]) + 32, max(0, int(old[0]) - 32), int(old[0]) * 2))
    return _patched(content, at, struct.pack("<Q", wrong % 2**64))


def gguf_swap(random_: random.Random, content: bytes) -> bytes:
    """Place a tensor where another one is: they overlap, and leave a gap."""
    reader = _reader(content)
    one, other = random_.sample(range(len(reader.tensors)), 2)
    at, _ = _tensor_field(reader, one, 5)
    return _patched(content, at, _tensor_field(reader, other, 5)[1].tobytes())


def gguf_count(random_: random.Random, content: bytes) -> bytes:
    """Change the number of tensors, of values or of an array's entries, or a string's length."""
    reader = _reader(content)
    places = [8, 16]
    for field in reader.fields.values():
        if field.offset and field.parts:
            places.append(field.offset)  # the length of the key
            if field.types and field.types[0] is gguf.GGUFValueType.ARRAY:
                places.append(field.offset + sum(one.nbytes for one in field.parts[:4]))
    return _patched(content, random_.choice(places), struct.pack("<Q", random_.choice(COUNTS)))


def safetensors_weights(path: Path) -> dict[str, torch.Tensor]:
    """Return the tensors of a file, read with json and numpy alone, in fp32."""
    content = path.read_bytes()
    size = struct.unpack("<Q", content[:8])[0]
    found = {}
    for name, entry in json.loads(content[8 : 8 + size]).items():
        if name == "__metadata__":
            continue
        begin, end = (8 + size + at for at in entry["data_offsets"])
        dtype = {"F32": np.float32, "F16": np.float16, "F64": np.float64}[entry["dtype"]]
        values = np.frombuffer(content[begin:end], dtype).reshape(entry["shape"])
        found[name] = torch.from_numpy(values.astype(np.float32))
    return found


def gguf_weights(path: Path, config: LlamaConfig) -> dict[str, torch.Tensor]:
    """Return the tensors of a Llama, read with the package `gguf`, under Hugging Face names."""
    hub = {}
    for layer in range(config.num_hidden_layers):
        for part in ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj",
                     "self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj",
                     "input_layernorm", "post_attention_layernorm"):  # fmt: skip
            name = f"model.layers.{layer}.{part}.weight"
            hub[NAMES.get_name(name, try_suffixes=(".weight",))] = name
    for name in ("model.embed_tokens.weight", "model.norm.weight", "lm_head.weight"):
        hub[NAMES.get_name(name, try_suffixes=(".weight",))] = name
    found = {}
    for tensor in gguf.GGUFReader(path).tensors:
        values = gguf.dequantize(np.array(tensor.data), tensor.tensor_type).astype(np.float32)
        values = values.reshape(tuple(reversed(tensor.shape.tolist())))
        name = hub.get(tensor.name, tensor.name)
        heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}
        of = next((count for part, count in heads.items() if part in name), 0)
        rows = torch.from_numpy(np.array(values))
        found[name] = put_apart(rows, of) if of else rows
    return found
