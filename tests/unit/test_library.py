"""The public interface of the library, and the wheel that holds it."""

from __future__ import annotations

import doctest
import json
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tipo_core
from tipo_core import api
from tipo_core.expansion.format import parse_meta
from tipo_core.expansion.json_form import read_request


def test_every_public_name_is_there() -> None:
    assert sorted(tipo_core.__all__) == sorted(set(tipo_core.__all__))
    for name in tipo_core.__all__:
        assert getattr(tipo_core, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        tipo_core.nothing  # noqa: B018


def test_the_import_is_light() -> None:
    """Neither torch nor a module of the library is imported before a name is used."""
    listed = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "import tipo_core"],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(tipo_core.__file__).parents[1],
    ).stderr
    names = {line.rsplit("|", 1)[-1].strip() for line in listed.splitlines()}
    assert "tipo_core" in names
    assert not any(name == "torch" or name.startswith("tipo_core.") for name in names)


def test_the_version_is_that_of_pyproject(repository: Path) -> None:
    text = (repository / "pyproject.toml").read_text("utf-8")
    assert f'version = "{tipo_core.__version__}"' in text


@pytest.mark.parametrize("name", ["load_model", "expand", "expand_request", "run_task"])
def test_the_examples_of_the_docstrings_hold(name: str) -> None:
    names = {name: getattr(tipo_core, name) for name in tipo_core.__all__}
    (test,) = doctest.DocTestFinder(recurse=False).find(getattr(api, name), name, globs=names)
    assert test.examples and doctest.DocTestRunner().run(test).failed == 0


def test_a_length_is_a_name_or_none() -> None:
    model = tipo_core.load_model()
    kept = tipo_core.expand(model, tags="1girl", tag_length="none", caption_length=None)
    assert kept.prompt == "1girl" and not kept.passes
    with pytest.raises(ValueError, match="length 'huge' is unknown: choose very_short"):
        tipo_core.expand(model, tags="1girl", tag_length="huge")
    with pytest.raises(ValueError, match="task 'tags_to_tags' is unknown"):
        tipo_core.run_task(model, "tags_to_tags")


def test_the_wheel_holds_the_library_and_nothing_else(repository: Path, tmp_path: Path) -> None:
    pytest.importorskip("setuptools", "70.1")
    source = tmp_path / "source"
    kept = shutil.ignore_patterns("__pycache__", "*.safetensors", "names.bin")
    shutil.copytree(repository / "tipo_core", source / "tipo_core", ignore=kept)
    for name in ("tipo-nano/model.safetensors", "names/names.bin"):
        (source / "tipo_core" / "assets" / name).touch()  # the contents would only take time
    for name in ("lab", "devkit", "nodes", "tests"):
        (source / name).mkdir()
        (source / name / "__init__.py").touch()
    for name in ("pyproject.toml", "README.md", "LICENSE", "__init__.py"):
        shutil.copy(repository / name, source)
    command = ["-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-q", "-w", str(tmp_path)]
    subprocess.run([sys.executable, *command, str(source)], check=True, cwd=tmp_path)
    (wheel,) = tmp_path.glob("*.whl")
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    wanted = {
        path.relative_to(source).as_posix()
        for path in (source / "tipo_core").rglob("*")
        if path.is_file()
    }
    assert names == wanted
    assert {"tipo_core/py.typed", "tipo_core/assets/tipo-nano/model.safetensors"} <= names
    assert re.fullmatch(rf"tipo_suite-{tipo_core.__version__}-py3-none-any\.whl", wheel.name)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"tags": None}, "tags is None: give a str"),
        ({"caption": b"x"}, "caption is b'x': give a str"),
        ({"bans": ["hat"]}, "bans is .*: give a str"),
        ({"template": None}, "template is None: give a str"),
        ({"seed": 1.5}, "seed is 1.5: give an int"),
        ({"rounds": "2"}, "rounds is '2': give an int"),
        ({"meta": "rating=safe"}, "meta is 'rating=safe': give a mapping"),
        ({"meta": {"rating": 5}}, "meta is .*: give a mapping"),
        ({"tags": ["x"] * 1000}, r"\.\.\.: give a str"),
        ({}, "model is 'tipo-nano': give the model that load_model"),
    ],
)
def test_a_value_of_another_type_is_named(values: dict[str, Any], message: str) -> None:
    model: Any = "tipo-nano"
    with pytest.raises(TypeError, match=message):
        api.expand(model, **values)


def test_a_request_and_a_task_check_their_types() -> None:
    length: Any = "short"
    with pytest.raises(TypeError, match="tag_length is 'short': give a Length"):
        tipo_core.ExpansionRequest(tag_length=length)
    nothing: Any = None
    with pytest.raises(TypeError, match="short is None: give a str"):
        tipo_core.TaskRequest(short=nothing)


@pytest.mark.parametrize("value", ["x", None, 1.5])
def test_sampling_options_check_their_types(value: Any) -> None:
    with pytest.raises(ValueError, match=r"top_k is .*: choose an integer from 0"):
        tipo_core.SamplingOptions(top_k=value)


@pytest.mark.parametrize("name", ["", "TIPO-500M", __file__])
def test_a_name_that_is_not_a_model(name: str) -> None:
    with pytest.raises(FileNotFoundError, match=r"there is no model .*: give tipo-nano") as error:
        tipo_core.load_model(name)
    assert "hf download KBlueLeaf/TIPO-500M" in str(error.value)


LONE = "1girl, \ud83d"


@pytest.mark.parametrize(
    ("name", "door"),
    [
        ("tags", lambda: api.expand(api.load_model(), tags=LONE)),
        ("caption", lambda: tipo_core.ExpansionRequest(caption=LONE)),
        ("bans", lambda: tipo_core.ExpansionRequest(bans=LONE)),
        ("template", lambda: tipo_core.ExpansionRequest(template=LONE)),
        ("meta 'artist'", lambda: tipo_core.ExpansionRequest(meta={"artist": LONE})),
        ("short", lambda: tipo_core.run_task(api.load_model(), short=LONE)),
        ("long", lambda: tipo_core.TaskRequest(long=LONE)),
        ("tags", lambda: read_request(tipo_core.TaskRequest, json.loads('{"tags": "\\ud83d"}'))),
        ("metadata", lambda: parse_meta(f"artist: {LONE}")),
        ("text", lambda: tipo_core.split_prompt(LONE)),
        ("bans", lambda: tipo_core.Bans.parse(LONE)),
        ("template", lambda: tipo_core.Template.parse(LONE)),
        ("field 'user'", lambda: tipo_core.Template.parse("<|user|>").render({"user": LONE})),
    ],
)
def test_a_lone_surrogate_is_refused_at_every_door(name: str, door: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=rf"{name} has a lone surrogate, U\+D83D, at character"):
        door()


def test_a_whole_pair_is_a_character() -> None:
    text = json.loads('"1girl, \\ud83d\\ude00"')
    assert tipo_core.split_prompt(text).tags == text == "1girl, \U0001f600"
