"""The pages for people: every link leads somewhere, and facts kept in two files agree."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from devkit.setup.layout import this_checkout

ROOT = this_checkout().root
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("web/docs/**/*.md"),
        *ROOT.glob("docs/examples/**/*.md"),
        *ROOT.glob("tipo_core/**/*.md"),
        *ROOT.glob(".github/**/*.md"),
    ]
)
_CODE = re.compile(r"^(```|~~~).*?^\1|`[^`\n]*`", re.MULTILINE | re.DOTALL)
_LINK = re.compile(
    r"\]\(\s*<?([^)>\s]+)|(?:src|href)=\"([^\"]+)\"|^\[[^\]]+\]:\s*(\S+)", re.MULTILINE
)
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)
_FENCED = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
REPOSITORY = re.compile(r"(?:github|raw\.githubusercontent)\.com/([\w.-]+/tipo-suite)\b")


_FILE = re.compile(r"\b(?:tipo_core|nodes|devkit|lab|tests|web|locales)/[\w/.-]+\.(?:py|js|json)\b")
_MODULE = re.compile(r"(?:python -m|from) ((?:tipo_core|devkit|lab)(?:\.\w+)*)")


def links(page: Path) -> Iterator[str]:
    """The targets of a page's links and pictures, those in code left out."""
    for groups in _LINK.findall(_CODE.sub("", page.read_text("utf-8"))):
        yield from filter(None, groups)


def anchors(page: Path) -> set[str]:
    """The names that GitHub gives to a page's headings."""
    names: set[str] = set()
    for heading in _HEADING.findall(_FENCED.sub("", page.read_text("utf-8"))):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
        name = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        count = 0
        while (unique := f"{name}-{count}" if count else name) in names:
            count += 1
        names.add(unique)
    return names


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for link in links(page):
        if re.match(r"[a-z][a-z0-9+.-]*:", link, re.IGNORECASE):
            continue
        name, _, anchor = unquote(link).partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (
            anchor and target.suffix == ".md" and anchor not in anchors(target)
        ):
            broken.append(link)
    assert not broken


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_named_files_and_modules_exist(page: Path) -> None:
    text = page.read_text("utf-8")
    missing = [name for name in _FILE.findall(text) if not (ROOT / name).is_file()]
    for module in _MODULE.findall(text):
        path = ROOT / module.replace(".", "/")
        if not (path.is_dir() or path.with_suffix(".py").is_file()):
            missing.append(module)
    assert not missing


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A `b` c, d\n\n[x](other.md#y) `[no](link)` ![z](z.png)\n", "utf-8")
    assert list(links(page)) == ["other.md#y", "z.png"]
    assert anchors(page) == {"a-b-c-d"}


def test_every_picture_of_the_docs_is_on_a_page() -> None:
    used = {(page.parent / unquote(link)).resolve() for page in PAGES for link in links(page)}
    # The registry shows these two by their addresses in pyproject.toml; each has its drawing.
    shown = {"icon.png", "icon.svg", "banner.png", "banner.svg"}
    pictures = [path for path in (ROOT / "docs/images").rglob("*") if path.is_file()]
    assert pictures
    assert not [path for path in pictures if path not in used and path.name not in shown]


def test_the_repository_has_one_address() -> None:
    pyproject = (ROOT / "pyproject.toml").read_text("utf-8")
    files = [*PAGES, ROOT / "pyproject.toml", *ROOT.glob(".github/**/*.yml")]
    found = {name for file in files for name in REPOSITORY.findall(file.read_text("utf-8"))}
    assert len(found) == 1
    assert f'Repository = "https://github.com/{found.pop()}"' in pyproject


def test_the_hooks_are_of_the_pinned_versions() -> None:
    pinned = re.search(
        r"^ruff==(\S+)", (ROOT / "requirements-dev.txt").read_text("utf-8"), re.MULTILINE
    )
    hooks = (ROOT / ".pre-commit-config.yaml").read_text("utf-8")
    assert pinned is not None and f"rev: v{pinned[1]}\n" in hooks


def test_hosted_tests_run_on_the_versions_of_the_readme() -> None:
    workflow = (ROOT / ".github/workflows/test.yml").read_text("utf-8")
    hosts = re.findall(r"- comfyui: \"([\d.]+)\"", workflow)
    readme = (ROOT / "README.md").read_text("utf-8")
    assert hosts
    assert all(re.search(rf"^\| {re.escape(host)} \|", readme, re.MULTILINE) for host in hosts)
