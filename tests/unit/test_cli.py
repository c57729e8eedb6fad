"""The command line, with the model that ships."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import tipo_core
from tipo_core import PRESETS, SamplingOptions, Template, cli
from tipo_core.prompt.presets import SHORT_NAMES

SMALL = ("--length", "very_short")


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run a command that has to succeed; return its output."""
    code = cli.main(arguments)
    printed = capsys.readouterr()
    assert (code, printed.err) == (0, "")
    return printed.out


def run_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    return json.loads(run(capsys, *arguments, "--json"))


def error_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run a command that has to fail; return its one line."""
    assert cli.main(arguments) == 1
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.count("\n") == 1
    return printed.err


def test_expand_prints_the_prompts(capsys: pytest.CaptureFixture[str]) -> None:
    text = run(capsys, "expand", "--tags", "1girl, (hat:1.2)", *SMALL, "--variants", "2")
    assert text.count("1girl, (hat:1.2), ") == 2


def test_json_has_every_part(capsys: pytest.CaptureFixture[str]) -> None:
    (first,) = run_json(
        capsys, "expand", "--tags", "1girl, hatsune miku", *SMALL, "--seed", "5", "--gen-meta"
    )
    assert first["prompt"].startswith("1girl, hatsune miku, ")
    assert first["fields"]["characters"] == "hatsune miku"
    assert first["caption"] and first["added_tags"] and first["seed"] == 5
    assert [one["grows"] for one in first["passes"]] == ["tag", "long"]
    assert isinstance(first["proposed"], dict)


def test_a_request_file_says_the_same_as_options(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = {
        "tags": "1girl",
        "tag_length": "very_short",
        "caption_length": "none",
        "meta": {"rating": "safe"},
        "seed": 3,
        "sampling": {"temperature": 0.9, "repetition_penalty": 1.0},
    }
    path = tmp_path / "request.json"
    path.write_text(json.dumps(request))
    options = ["--tags", "1girl", "--tag-length", "very_short", "--caption-length", "none"]
    options += ["--meta", "rating=safe", "--seed", "3", "--temperature", "0.9"]
    by_options = run(capsys, "expand", *options, "--repetition-penalty", "1")
    assert run(capsys, "expand", "--request", str(path)) == by_options
    # An option overrides the file.
    assert run(capsys, "expand", "--request", str(path), "--seed", "4") != by_options
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps([request, request])))
    one, two = run_json(capsys, "expand", "--request", "-")
    assert one[0]["prompt"] + "\n" == by_options == two[0]["prompt"] + "\n"


def test_choices_are_resolved_on_request(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("expand", "--tags", "{a|b}", "--length", "none")
    assert run(capsys, *words) == "{a|b}\n"
    assert run(capsys, *words, "--resolve-choices") in ("a\n", "b\n")


def test_a_single_task(capsys: pytest.CaptureFixture[str]) -> None:
    done = run_json(
        capsys, "task", "--task", "tag_to_long", "--length", "very_short", "--tags", "1girl, (a:2)"
    )
    assert done["asked"] == "target: <|very_short|> <|tag_to_long|>\ntag: 1girl, a\nlong:"
    assert done["tags"] == "1girl, (a:2)" and done["long"] == done["added"]["long"] != ""
    text = run(capsys, "task", "--length", "very_short", "--tags", "1girl")
    assert text.startswith("tag: ")


def test_split_and_bans_and_format(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = "1girl, <lora:x:1>, A girl sits by the window."
    parts = run_json(capsys, "split", typed)
    assert parts["tags"] == "1girl" and parts["networks"] == "<lora:x:1>"
    assert "".join(part["text"] for part in parts["parts"]) == typed
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    assert run(capsys, "split").startswith("tags: 1girl\ncaption: A girl sits")
    assert run_json(capsys, "bans", "--bans", "*hat", "--tags", "top hat, coat") == {
        "top hat": "*hat"
    }
    assert run(capsys, "bans", "--bans", "*hat", "--tags", "coat") == "coat: -\n"
    expanded = tmp_path / "expanded.json"
    expanded.write_text(json.dumps([{"fields": {"user": "1girl", "added": "hat"}}]))
    chosen = ("--template", "<|added|>; <|user|>")
    assert run(capsys, "format", str(expanded), *chosen) == "hat; 1girl\n"
    assert run(capsys, "format", str(expanded)) == "1girl, hat\n"


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (("expand", "--model", "nowhere"), "no model 'nowhere'"),
        (("expand", "--bans", "/(/"), "'/(/'"),
        (("expand", "--template", "<|x|>"), "use one of <|special|>"),
        (("expand", "--meta", "mood=blue"), "aspect ratio"),
        (("expand", "--temperature", "99"), "temperature is 99.0"),
        (("expand", "--request", "nowhere.json"), "nowhere.json"),
        (("format", "nowhere.json"), "nowhere.json"),
        (("expand", "--tags", "1girl, \ud83d"), "tags has a lone surrogate, U+D83D"),
        (("task", "--short", "\udc80"), "short has a lone surrogate, U+DC80, at character 1"),
        (("split", "\udc80"), "text has a lone surrogate"),
        (("bans", "--bans", "hat", "--tags", "\udc80"), "tags has a lone surrogate"),
        (("bans", "--bans", "\udc80", "--tags", "hat"), "bans has a lone surrogate"),
        (("expand", "--meta", "artist=\udc80"), "metadata has a lone surrogate"),
    ],
)
def test_bad_input_is_one_line(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], wanted: str
) -> None:
    assert wanted in error_of(capsys, *arguments)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("{", "is not JSON"),
        ("[3]", "3 is not a request"),
        ('{"tag": "1girl"}', "unknown entry 'tag' in the request: known are tags"),
        ('{"tags": 3}', "tags is 3 in the request: write a str"),
        ('{"sampling": 5}', "sampling is 5 in the request: write a JSON object"),
        ('{"sampling": {"top_k": "a"}}', "top_k is 'a': choose an integer"),
        ('{"seed": true}', "seed is True in the request: write a int"),
        ('{"meta": {"rating": 3}}', "write a text for each key"),
        ('{"tag_length": "huge"}', "length 'huge' is unknown: choose very_short"),
        ('{"sampling": {"heat": 1}}', "unknown sampling option 'heat'"),
        ('{"caption": "\\ud83d"}', "caption has a lone surrogate"),
    ],
)
def test_a_bad_request_file_is_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str, wanted: str
) -> None:
    path = tmp_path / "request.json"
    path.write_text(text)
    assert wanted in error_of(capsys, "expand", "--request", str(path))


def test_an_interrupt_prints_what_there_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    expand = tipo_core.expand_request

    def interrupted(model: Any, request: Any, on_progress: Any) -> Any:
        os.kill(os.getpid(), signal.SIGINT)
        return expand(model, request, on_progress)

    monkeypatch.setattr(cli, "expand_request", interrupted)
    before = signal.getsignal(signal.SIGINT)
    assert cli.main(["expand", "--tags", "1girl, hat", "--variants", "3", "--json"]) == 130
    (only,) = json.loads(capsys.readouterr().out)
    assert only["was_cancelled"] and only["prompt"] == "1girl, hat"
    assert [one["reason"] for one in only["passes"]] == ["cancelled"]
    assert signal.getsignal(signal.SIGINT) is before


def test_a_template_without_fields_is_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """It would give the same prompt for every request."""
    expanded = tmp_path / "expanded.json"
    expanded.write_text(json.dumps({"fields": {"user": "1girl"}}))
    request = tmp_path / "request.json"
    request.write_text(json.dumps({"tags": "1girl", "template": "a cat"}))
    for command in (
        ("format", str(expanded), "--template", "a cat"),
        ("format", str(expanded), "--template", ""),
        ("expand", "--tags", "1girl", "--template", "a cat"),
        ("expand", "--request", str(request)),
    ):
        error = error_of(capsys, *command)
        assert "has no field" in error and "<|user|>" in error


def test_sentences_in_the_tags_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    mixed = "1girl, cat ears, A girl reads by the window. She smiles."
    for command in (
        ("expand", "--tags", mixed, *SMALL),
        ("task", "--tags", mixed, *SMALL),
        ("bans", "--bans", "hat", "--tags", mixed),
    ):
        assert cli.main(command) == 0
        (note,) = capsys.readouterr().err.splitlines()
        assert note.startswith("note: --tags has sentences: 'A girl reads by the window.")
        assert "split" in note
    assert "--caption" in _note(capsys, "expand", "--tags", mixed, *SMALL)
    assert "--short or --long" in _note(capsys, "task", "--tags", mixed, *SMALL)
    run(capsys, "expand", "--tags", "1girl, looking at viewer, <lora:x:1>", *SMALL)


def _note(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert cli.main(arguments) == 0
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "text", "wanted"),
    [
        (("expand", "--request", "-"), "x", "standard input is not JSON"),
        (("format", "-"), "x", "standard input is not JSON"),
        (("format", "-"), "[1]", "standard input is not an expansion"),
    ],
)
def test_standard_input_is_called_that(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    text: str,
    wanted: str,
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    assert error_of(capsys, *arguments).startswith(f"error: {wanted}")


def _usage_error(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 2
    return capsys.readouterr().err


def test_a_task_has_no_caption(capsys: pytest.CaptureFixture[str]) -> None:
    error = _usage_error(capsys, "task", "--caption", "A girl.")
    assert "--short" in error and "--long" in error and "unrecognized" not in error
    with pytest.raises(SystemExit):
        cli.main(["task", "--help"])
    assert "--caption" not in capsys.readouterr().out


def test_presets_have_short_names(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    expanded = tmp_path / "expanded.json"
    values = {name: name for name in ("general", "extended", "generated", "user", "added")}
    expanded.write_text(json.dumps({"fields": values}))
    assert len(SHORT_NAMES) == len(PRESETS)
    for short, name in SHORT_NAMES.items():
        assert re.fullmatch("[a-z-]{1,16}", short)
        results = [run(capsys, "format", str(expanded), "--preset", one) for one in (short, name)]
        assert results[0] == results[1] == Template.parse(PRESETS[name]).render(values) + "\n"
    error = _usage_error(capsys, "format", str(expanded), "--preset", "nope")
    assert all(short in error for short in SHORT_NAMES)


@pytest.mark.parametrize("command", ["expand", "task"])
def test_every_option_has_a_help_text(capsys: pytest.CaptureFixture[str], command: str) -> None:
    with pytest.raises(SystemExit):
        cli.main([command, "--help"])
    text = capsys.readouterr().out
    defaults = SamplingOptions()
    for name in ("temperature", "top_p", "min_p", "top_k", "repetition_penalty", "max_new_tokens"):
        option = f"\n  --{name.replace('_', '-')} NUMBER"
        meaning = " ".join(text.partition(option)[2].split("\n  --")[0].split())
        assert meaning.endswith(f"(default: {getattr(defaults, name)})"), name
        assert len(meaning.split()) > 6


def test_help_needs_no_torch() -> None:
    program = (
        "import runpy, sys; sys.modules['torch'] = None; sys.argv = ['tipo', 'expand', '--help']; "
        "runpy.run_module('tipo_core')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "--temperature" in done.stdout


@pytest.mark.parametrize("command", [("expand", "--request"), ("task", "--request"), ("format",)])
def test_a_json_file_that_cannot_be_read_is_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, command: tuple[str, ...]
) -> None:
    missing, binary, nested = (tmp_path / name for name in ("no.json", "b.json", "n.json"))
    binary.write_bytes(b"\xff\xfe\x00")
    nested.write_text("[" * 100_000)
    for path, wanted in (
        (missing, "there is no file"),
        (tmp_path, "cannot be read"),
        (binary, "is not a JSON file"),
        (nested, "is not JSON"),
    ):
        message = error_of(capsys, *command, str(path))
        assert path.name in message and wanted in message and "Errno" not in message


def test_a_hyphen_is_standard_input_for_split_too(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("1girl, A girl sits by the window."))
    assert run(capsys, "split", "-").startswith("tags: 1girl\ncaption: A girl sits")


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("expand", "1girl, cat ears"), "--tags '1girl, cat ears'"),
        (
            ("expand", "--seed", "1", "1girl,", "cat"),
            "--tags '1girl, cat' or --caption '1girl, cat'",
        ),
        (("task", "1girl"), "--tags '1girl', --short '1girl' or --long '1girl'"),
        (("bans", "hat"), "--tags 'hat'"),
    ],
)
def test_a_text_without_an_option_says_which_to_write(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], hint: str
) -> None:
    error = _usage_error(capsys, *words)
    assert f"error: give the text as {hint}" in error and "unrecognized" not in error
    with pytest.raises(SystemExit):
        cli.main([words[0], "--help"])
    assert "positional" not in capsys.readouterr().out


@pytest.mark.parametrize("command", ["expand", "task"])
def test_metadata_names_the_mistake(capsys: pytest.CaptureFixture[str], command: str) -> None:
    error = error_of(capsys, command, "--meta", "foo=1")
    assert "metadata 'foo=1': there is no key 'foo': choose meta, rating, artist" in error
    error = error_of(capsys, command, "--meta", "safe")
    assert "metadata 'safe' has no key: write 'key: value' or key=value. The keys" in error


def test_a_folder_without_a_model_says_how_to_download_one(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    known = tmp_path / "TIPO-200M"
    known.mkdir()
    error = error_of(capsys, "expand", "--model", str(known))
    assert f"config.json of the model 'TIPO-200M' is missing: put it into {known}" in error
    command = f'hf download KBlueLeaf/TIPO-200M --exclude "*.gguf" --local-dir "{known}"'
    assert error.endswith(f", or download a published model: {command}\n")
    other = error_of(capsys, "expand", "--model", str(tmp_path))
    assert f'hf download KBlueLeaf/TIPO-500M --exclude "*.gguf" --local-dir "{tmp_path}"' in other
    absent = error_of(capsys, "expand", "--model", str(tmp_path / "new"))
    assert "hf download KBlueLeaf/TIPO-500M" in absent and "there is no model" in absent


def test_unknown_words_are_a_note(capsys: pytest.CaptureFixture[str]) -> None:
    """Text output names them on standard error; JSON has them already."""
    for command in (("expand", "--length", "none"), ("task", "--task", "short_to_tag")):
        assert cli.main([*command, "--tags", "鼞鼞, 猫"]) == 0
        assert capsys.readouterr().err == "note: not in the dictionary: 鼞鼞\n"
        assert cli.main([*command, "--tags", "鼞鼞, 猫", "--json"]) == 0
        assert not capsys.readouterr().err


@pytest.mark.parametrize("command", [["split", "-"], ["expand", "--request", "-"]])
def test_standard_input_that_is_not_utf_8_is_named(
    command: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"1girl, \xff\xfe")))
    message = error_of(capsys, *command)
    assert "standard input is no" in message and "0xff at 7): save the text as UTF-8" in message
