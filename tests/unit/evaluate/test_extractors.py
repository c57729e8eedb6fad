"""The arguments with which models are loaded: doubles of the packages record them."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from PIL import Image

from tipo_core.evaluate.extractors import load_extractor

PICTURE = Image.new("RGB", (2, 2), (255, 0, 51))


class FakeModel(torch.nn.Module):
    """A model whose pooled output is 7, and whose class token is the picture's mean."""

    config = SimpleNamespace(_commit_hash="0123abc")

    def forward(self, pixel_values: torch.Tensor) -> Any:
        tokens = pixel_values.mean((2, 3))[:, None].expand(-1, 4, -1)
        return SimpleNamespace(last_hidden_state=tokens, pooler_output=torch.full((2, 3, 1, 1), 7))


class FakeClip(FakeModel):
    def get_image_features(self, pixel_values: torch.Tensor) -> Any:
        return SimpleNamespace(pooler_output=pixel_values.amax((2, 3)))


class FakeTransformers:
    """A `transformers` that has `model` on this machine (`is_local`) or on the hub."""

    __version__ = "9.9"

    def __init__(
        self, model: torch.nn.Module, missing: tuple[str, ...] = (), is_local: bool = True
    ) -> None:
        self.asked: list[dict[str, Any]] = []

        def from_pretrained(name: str, **options: Any) -> Any:
            self.asked.append(options)
            if options["local_files_only"] and not is_local:
                raise OSError("Not here. And more of it.")
            if "use_safetensors" in options:
                return model, {"missing_keys": set(missing)}
            pixels = torch.tensor([1.0, 0.0, 0.2])[:, None, None].expand(3, 2, 2)
            return lambda images, return_tensors: {"pixel_values": pixels[None]}

        kind = SimpleNamespace(from_pretrained=from_pretrained)
        self.AutoModel = self.AutoImageProcessor = kind


def features_of(extractor: Any) -> list[float]:
    batch = torch.stack([extractor.prepare(PICTURE)] * 2)
    answer = extractor.features(batch)
    assert answer.dtype == torch.float32 and answer.shape[0] == 2
    return answer[0].tolist()


@pytest.mark.parametrize(
    ("model", "missing", "wanted"),
    [
        (FakeModel(), (), [7, 7, 7]),
        (FakeModel(), ("pooler.dense.weight",), [1, 0, 0.2]),
        (FakeClip(), (), [1, 0, 0.2]),
    ],
    ids=["pooled", "class token", "embedding"],
)
def test_what_of_a_model_is_the_feature(
    monkeypatch: pytest.MonkeyPatch, model: FakeModel, missing: tuple[str, ...], wanted: list[float]
) -> None:
    monkeypatch.setitem(sys.modules, "transformers", FakeTransformers(model, missing))
    extractor = load_extractor("someone/something", "cpu")
    assert features_of(extractor) == pytest.approx(wanted)
    assert extractor.identity == "someone/something 0123abc transformers 9.9"


def test_nothing_is_fetched_unasked_and_no_code_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeTransformers(FakeModel(), is_local=False)
    monkeypatch.setitem(sys.modules, "transformers", fake)
    with pytest.raises(OSError, match=r"not on this machine, .*\(Not here\).* --download") as error:
        load_extractor("someone/something", "cpu")
    assert "pixels:SIDE" in str(error.value)
    assert [asked["local_files_only"] for asked in fake.asked] == [True]
    load_extractor("someone/something", "cpu", download=True)
    assert [asked["local_files_only"] for asked in fake.asked] == [True, True, False, False]
    assert not any(asked["trust_remote_code"] for asked in fake.asked)
    assert fake.asked[-1]["use_safetensors"] is True


def test_a_model_that_lacks_weights_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeTransformers(FakeModel(), ("pooler.a", "layer.3.weight"))
    monkeypatch.setitem(sys.modules, "transformers", fake)
    with pytest.raises(OSError, match=r"lacks 1 weights, such as layer\.3\.weight"):
        load_extractor("someone/something", "cpu")


def test_a_model_of_timm(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[Any] = []
    config = SimpleNamespace(hf_hub_id="timm/net.tag", hf_hub_filename=None)

    def create_model(name: str, **options: Any) -> torch.nn.Module:
        asked.append((name, options))
        return torch.nn.Flatten()

    def broken(name: str, **options: Any) -> torch.nn.Module:
        raise RuntimeError("Error(s) in loading state_dict:\nMissing key(s)")

    def hf_hub_download(repository: str, name: str, local_files_only: bool) -> str:
        asked.append((repository, name, local_files_only))
        return str(tmp_path / "0123abc" / name)

    data = SimpleNamespace(
        resolve_model_data_config=lambda model: {},
        create_transform=lambda is_training: lambda picture: torch.ones(3, 1, 1),
    )
    fake = SimpleNamespace(
        __version__="1.0",
        is_model=lambda name: name == "net",
        get_pretrained_cfg=lambda name: config,
        create_model=create_model,
        data=data,
    )
    monkeypatch.setitem(sys.modules, "timm", fake)
    hub = SimpleNamespace(hf_hub_download=hf_hub_download)
    monkeypatch.setitem(sys.modules, "huggingface_hub", hub)
    extractor = load_extractor("timm:net", "cpu")
    assert features_of(extractor) == [1, 1, 1]
    assert extractor.identity == "timm:net 0123abc timm 1.0"
    file = str(tmp_path / "0123abc" / "model.safetensors")
    options = {"pretrained": True, "num_classes": 0, "pretrained_cfg_overlay": {"file": file}}
    assert asked == [("timm/net.tag", "model.safetensors", True), ("net", options)]
    with pytest.raises(ValueError, match=r"timm 1\.0 has no model 'nat'"):
        load_extractor("timm:nat", "cpu")
    own = tmp_path / "own.safetensors"
    own.write_bytes(b"1")
    identity = load_extractor(f"timm:net@{own}", "cpu").identity
    assert asked[-1][1]["pretrained_cfg_overlay"] == {"file": str(own)} and len(asked) == 3
    own.write_bytes(b"22")
    assert load_extractor(f"timm:net@{own}", "cpu").identity != identity
    for other in (tmp_path / "none.safetensors", tmp_path):
        with pytest.raises(OSError, match="is not a safetensors file: write timm:NAME@FILE"):
            load_extractor(f"timm:net@{other}", "cpu")
    fake.create_model = broken
    with pytest.raises(OSError, match=r"own.safetensors does not hold the weights of timm's net"):
        load_extractor(f"timm:net@{own}", "cpu")
    config.hf_hub_filename = "net.bin"
    with pytest.raises(ValueError, match=r"as net\.bin, not as a safetensors file"):
        load_extractor("timm:net", "cpu")


def test_pixels_are_the_mean_colours_from_black_to_white() -> None:
    extractor = load_extractor("pixels:1")
    assert features_of(extractor) == pytest.approx([1, -1, -0.6])
    assert extractor.name == extractor.identity == "pixels:1"


@pytest.mark.parametrize(
    ("name", "device", "wanted"),
    [
        ("pixels:0", "cpu", "write pixels:1 to pixels:128"),
        ("pixels:big", "cpu", "write pixels:1"),
        ("timm:resnet18", "toaster", "device 'toaster' cannot be used"),
        (" ", "cpu", "--features is empty"),
    ],
)
def test_bad_names(monkeypatch: pytest.MonkeyPatch, name: str, device: str, wanted: str) -> None:
    monkeypatch.setitem(sys.modules, "transformers", FakeTransformers(FakeModel()))
    with pytest.raises(ValueError, match=wanted):
        load_extractor(name, device)


@pytest.mark.parametrize("package", ["timm", "transformers"])
def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    name = "timm:resnet18" if package == "timm" else "someone/something"
    with pytest.raises(RuntimeError, match=f"-m pip install {package}"):
        load_extractor(name, "cpu")
