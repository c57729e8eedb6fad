"""Boundaries of the modules: floors, circles, command lines, sizes of folders, names.

import-linter 2.17 was tried and finds the same floors and circles. It is not used: the sizes of
folders, the names of modules and the rule for argparse need code of our own anyway, and it would
add six packages to every set-up. These tests read the sources with `ast`. Imports inside functions
count, those under TYPE_CHECKING do not.
"""

from __future__ import annotations

import ast
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OURS = ("tipo_core", "nodes", "lab", "devkit")

# A floor imports only floors further to the right. Packages of one floor do not import each other.
FLOORS = (
    ("__main__",),
    ("cli",),
    ("cli_arguments",),
    ("api",),
    ("batch",),
    ("dreambooth",),
    ("training", "evaluate", "migrate"),
    ("expansion",),
    ("comfy_api", "pictures"),
    ("lm",),
    ("prompt",),
    (
        *("memory", "units", "optional_imports", "error_collector", "recipe", "surrogates"),
        *("listening", "report_lines"),
    ),
)
# Imports that each top folder may not have.
FORBIDDEN = {
    "tipo_core": (
        "nodes",
        "lab",
        "devkit",
        "tests",
        "comfy",
        "comfy_api",
        "folder_paths",
        "server",
    ),
    "nodes": ("lab", "devkit", "tests"),
    "lab": ("nodes", "devkit", "tests"),
    "devkit": ("nodes", "tests"),
}
COMMAND_LINES = ("__main__", "cli", "cli_arguments", "commands")
MOST_FILES = 14
# One name in two folders where both mean the same thing.
SAME_MEANING = {"__init__", "__main__", "commands", "cli"}
# A node's file has the name of the library's file that does its work.
NODES_OF = {"expand", "fields", "format", "task", "grid", "sweep", "memory"}


def sources(folder: str = "") -> list[Path]:
    """Return the tracked Python files of a folder, relative to the root."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--", f"{folder}*.py"], cwd=ROOT, capture_output=True, check=True
    )
    paths = [Path(name) for name in listed.stdout.decode().split("\0") if name]
    return [path for path in paths if (ROOT / path).exists()]


@pytest.fixture(scope="module", autouse=True)
def _checkout() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("no git checkout: the rules are about the files of the repository")


def module_of(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def imports_of(path: Path) -> frozenset[str]:
    """Return the full names that a file imports; `from x import y` counts as x.y."""
    package = module_of(path).split(".")
    if path.name != "__init__.py":
        package = package[:-1]
    return frozenset(_imports(ast.parse((ROOT / path).read_text("utf-8")), package))


def _imports(node: ast.AST, package: list[str]) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            for other in child.orelse:
                yield from _imports(other, package)
        elif isinstance(child, ast.Import):
            # In the pack, `import nodes` is ComfyUI's module of that name.
            names = (alias.name for alias in child.names)
            yield from (name for name in names if (package[0], name) != ("nodes", "nodes"))
        elif isinstance(child, ast.ImportFrom):
            if (package[0], child.module, child.level) == ("nodes", "nodes", 0):
                continue
            base = package[: len(package) - child.level + 1] if child.level else []
            start = ".".join([*base, *([child.module] if child.module else [])])
            yield from (f"{start}.{alias.name}".strip(".") for alias in child.names)
        elif not isinstance(child, ast.expr):
            yield from _imports(child, package)


@cache
def known() -> dict[str, Path]:
    """Return the files of this project by module."""
    return {module_of(path): path for top in OURS for path in sources(f"{top}/")}


@cache
def imported_modules(path: Path) -> frozenset[str]:
    """Return the modules of this project that a file imports."""
    names = (name if name in known() else name.rpartition(".")[0] for name in imports_of(path))
    return frozenset(name for name in names if name in known() and name != module_of(path))


def test_the_library_imports_only_lower_floors() -> None:
    floor = {name: number for number, names in enumerate(FLOORS) for name in names}
    names = {Path(path.parts[1]).stem for path in sources("tipo_core/")} - {"__init__"}
    assert names <= floor.keys(), "give each new module or package of tipo_core a floor in FLOORS"
    wrong = []
    for path in sources("tipo_core/"):
        if len(path.parts) == 2 and path.stem == "__init__":
            continue  # the public interface imports from every floor
        own = Path(path.parts[1]).stem
        for module in imported_modules(path):
            top, _, rest = module.partition(".")
            other = rest.partition(".")[0]
            if top == "tipo_core" and other and other != own and floor[other] <= floor[own]:
                wrong.append(f"{path} imports {module}")
    assert not wrong


@pytest.mark.parametrize("folder", FORBIDDEN)
def test_folders_keep_to_their_boundaries(folder: str) -> None:
    wrong = [
        f"{path} imports {name}"
        for path in sources(f"{folder}/")
        for name in imports_of(path)
        if name.partition(".")[0] in FORBIDDEN[folder]
    ]
    assert not wrong


def test_modules_import_in_no_circle() -> None:
    graph = {name: set(imported_modules(path)) for name, path in known().items()}
    assert not circles(graph)


def test_folders_import_in_no_circle() -> None:
    """At every depth: all files below a folder count as one."""
    found = []
    for folder in sorted({path.parent for path in known().values()}):
        prefix = ".".join(folder.parts) + "."
        graph: dict[str, set[str]] = defaultdict(set)
        for name, path in known().items():
            if name.startswith(prefix):
                own = name.removeprefix(prefix).partition(".")[0]
                others = (one for one in imported_modules(path) if one.startswith(prefix))
                graph[own] |= {one.removeprefix(prefix).partition(".")[0] for one in others} - {own}
        found += [f"{folder}: {circle}" for circle in circles(graph)]
    assert not found


def circles(graph: dict[str, set[str]]) -> list[str]:
    """Return the circles of a graph that a depth-first walk meets, each as `a > b > a`."""
    found: list[str] = []
    done: set[str] = set()

    def visit(name: str, way: list[str]) -> None:
        if name in way:
            found.append(" > ".join([*way[way.index(name) :], name]))
        elif name not in done:
            for other in sorted(graph.get(name, ())):
                visit(other, [*way, name])
            done.add(name)

    for name in sorted(graph):
        visit(name, [])
    return found


def test_only_command_lines_import_argparse() -> None:
    wrong = [
        str(path)
        for folder in ("tipo_core/", "nodes/", "lab/")
        for path in sources(folder)
        if any(name == "argparse" or name.startswith("argparse.") for name in imports_of(path))
        and path.stem not in COMMAND_LINES
        and path not in (Path("lab/name_lists.py"), Path("lab/efficientnet_lite0.py"))
    ]
    assert not wrong


def test_only_two_files_of_the_nodes_touch_the_model_management() -> None:
    allowed = (Path("nodes/memory.py"), Path("nodes/host_features.py"))
    wrong = [
        str(path)
        for path in sources("nodes/")
        if path not in allowed
        and any(name.startswith("comfy.model_management") for name in imports_of(path))
    ]
    assert not wrong


def test_no_folder_holds_many_files() -> None:
    counts = Counter(path.parent for path in sources() if path.stem != "__init__")
    assert not {str(folder): n for folder, n in counts.items() if n > MOST_FILES}


def test_no_module_name_has_two_meanings() -> None:
    places = defaultdict(list)
    for path in (one for top in OURS for one in sources(f"{top}/")):
        is_node = path.parts[0] == "nodes" and path.stem in NODES_OF
        if path.stem not in SAME_MEANING and not is_node:
            places[path.stem].append(str(path))
    assert not {name: paths for name, paths in places.items() if len(paths) > 1}
