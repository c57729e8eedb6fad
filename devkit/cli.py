"""Parse the command line of dev.py, do the set-up that the command needs, run it in .venv."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from devkit.messages import StepError, say
from devkit.setup.base_folder import make_ready
from devkit.setup.browser import ensure_front_ends
from devkit.setup.environment import Need, ensure_environment, with_bytecode_cache
from devkit.setup.host import Host, users_host, uses_own_comfyui
from devkit.setup.layout import Layout, this_checkout
from devkit.setup.lock import only_one

# Passes the seconds of the set-up on to the interpreter of .venv.
_SECONDS = "TIPO_SUITE_SETUP_SECONDS"
# Clients of a server: with the user's ComfyUI, .venv needs no torch for them.
_CLIENT_COMMANDS = ("demo", "serve", "run", "host")


def parser() -> argparse.ArgumentParser:
    """Return the command line of dev.py."""
    top = argparse.ArgumentParser(
        prog="dev.py",
        description="Set up and try TIPO Suite. All files are kept in .venv and .host.",
        epilog="COMFYUI_PATH and COMFYUI_PYTHON name your own ComfyUI, which is used instead. "
        "COMFYUI_DYNAMIC_VRAM=1 tests DynamicVRAM on a CPU (ComfyUI 0.33 and newer).",
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    demo = commands.add_parser("demo", help="expand a prompt and draw it")
    demo.add_argument("prompt", help='tags, as in "1girl, cat ears, reading a book"')
    demo.add_argument("--caption", default="", help="a caption to expand with the tags")
    demo.add_argument("--checkpoint", metavar="NAME", help="your own checkpoint (toy-sd)")
    demo.add_argument("--seed", type=int, default=0, help="seed of the text and of the picture (0)")
    demo.add_argument("--length", metavar="CLASS", help="very_short, short, long or very_long")
    demo.add_argument("--variants", type=int, default=1, help="number of texts and pictures (1)")
    demo.add_argument("--json", action="store_true", help="print one JSON object instead")

    test = commands.add_parser("test", help="lint, types and tests; other arguments go to pytest")
    test.add_argument(
        "parts",
        nargs="*",
        metavar="PART",
        help="of lint, types, unit, host, browser (default: all)",
    )
    test.add_argument(
        "--coverage", action="store_true", help="measure the lines that the unit tests run"
    )

    serve = commands.add_parser("serve", help="run ComfyUI with the pack until Ctrl-C")
    serve.add_argument("--port", type=int, help="port of the server (8188, or a free one)")
    serve.add_argument("--open", action="store_true", help="open the page in the browser")

    run = commands.add_parser("run", help="run a graph in API form")
    run.add_argument("graph", metavar="GRAPH.json")
    run.add_argument("--set", action="append", default=[], metavar="NODE.INPUT=VALUE")
    run.add_argument("--json", action="store_true", help="print one JSON object instead")

    bench = commands.add_parser("bench", help="measure speed and memory against the bars")
    bench.add_argument("names", nargs="*", metavar="NAME", help="only rows that begin with NAME")
    bench.add_argument(
        "--json", metavar="FILE", help="also write the rows to a file, one JSON object per line"
    )

    generate = commands.add_parser(
        "generate", help="write the files that follow from the nodes and the workflow templates"
    )
    generate.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 where a file is stale"
    )
    generate.add_argument(
        "--cards", nargs="*", metavar="NAME", help="also draw the cards of these templates (all)"
    )

    commands.add_parser("setup", help="only do the set-up")
    commands.add_parser("host", help="print the paths of the environment and of ComfyUI")
    return top


def main(argv: Sequence[str]) -> int:
    """Run dev.py and return its exit code."""
    leave_on_termination()
    # argparse would take pytest's options for its own.
    pytest_arguments: list[str] = []
    if argv[:1] == ["test"] and argv[1:] not in (["--help"], ["-h"]):
        argv, pytest_arguments = argv[:1], list(argv[1:])
    args = parser().parse_args(argv)
    args.pytest_arguments = pytest_arguments
    layout = this_checkout()
    try:
        return _set_up_and_run(layout, args)
    except StepError as error:
        say()
        say(str(error))
        return 1
    except KeyboardInterrupt:
        say("stopped")
        return 130


def _set_up_and_run(layout: Layout, args: argparse.Namespace) -> int:
    started = time.monotonic()
    own = uses_own_comfyui(os.environ)
    if own:
        # A wrong path is an error before any download.
        users_host(os.environ)
    need: Need = "client" if own and args.command in _CLIENT_COMMANDS else "full"
    with only_one(layout.host / "setup.lock"):
        ensure_environment(layout, need)
        if Path(sys.prefix).resolve() == layout.venv.resolve():
            host = make_ready(layout, os.environ)
            if args.command in ("setup", "test"):
                ensure_front_ends(layout)
    seconds = float(os.environ.get(_SECONDS, "0")) + time.monotonic() - started
    if Path(sys.prefix).resolve() != layout.venv.resolve():
        return _run_inside(layout, seconds)
    return _dispatch(layout, host, args, seconds)


def _run_inside(layout: Layout, seconds: float) -> int:
    """Run the same command line again with the Python of .venv."""
    environ = {**with_bytecode_cache(layout, os.environ), _SECONDS: f"{seconds:.3f}"}
    command = [str(layout.venv_python), str(layout.root / "dev.py"), *sys.argv[1:]]
    if os.name != "nt":
        os.execve(command[0], command, environ)
    process = subprocess.Popen(command, env=environ)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            # Windows sends Ctrl-C to both processes: the child ends in order, this one waits.
            continue


def _dispatch(layout: Layout, host: Host, args: argparse.Namespace, seconds: float) -> int:
    if args.command == "demo":
        from devkit.commands.demo import run_demo

        return run_demo(layout, host, args, seconds)
    if args.command == "test":
        from devkit.commands.checks import run_checks

        return run_checks(layout, args.pytest_arguments)
    if args.command == "serve":
        from devkit.commands.serve_and_host import serve

        return serve(layout, host, args.port, args.open)
    if args.command == "run":
        from devkit.commands.run_graph import run_graph

        return run_graph(layout, host, args)
    if args.command == "bench":
        from devkit.bench.benchmark import Setting
        from devkit.commands.bench import run_bench

        return run_bench(Setting(layout, host), args.names, args.json)
    if args.command == "generate":
        from devkit.commands.generate import generate

        return generate(layout, host, args)
    from devkit.commands.serve_and_host import describe

    return describe(layout, host)


def leave_on_termination() -> None:
    """Leave through the stack on SIGTERM and SIGHUP, so that servers are stopped on the way."""

    def leave(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), leave)
