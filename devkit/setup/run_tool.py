"""Run a set-up tool, show its output, and derive the cause of a failure from it."""

from __future__ import annotations

import os
import re
import subprocess
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path

from devkit.messages import StepError, say
from devkit.setup.lock import held_descriptors

_NETWORK = re.compile(
    r"error sending request|dns error|name or service not known|nodename nor servname"
    r"|temporary failure in name resolution|failed to establish a new connection"
    r"|connection (refused|reset|aborted)|network is unreachable|getaddrinfo failed"
    r"|timed out|proxyerror|client error \(connect\)|failed to fetch",
    re.IGNORECASE,
)
_DISK_FULL = re.compile(
    r"no space left on device|not enough space on the disk|os error (28|112)|disk quota exceeded",
    re.IGNORECASE,
)
_HASH = re.compile(r"hash mismatch|do not match the hashes", re.IGNORECASE)
_NO_BUILD = re.compile(
    r"no solution found|no matching distribution|not found in the package registry"
    r"|no wheels? with a matching",
    re.IGNORECASE,
)


def cause_and_remedy(lines: Sequence[str], exit_code: int) -> tuple[str, str]:
    """Return the cause of a tool's failure, judged by its last lines, and the remedy."""
    text = "\n".join(lines)
    last = next((line.strip() for line in reversed(lines) if line.strip()), "no output")
    # A full disk first: the download that it cut short often reports a connection error too.
    if _DISK_FULL.search(text):
        return "the disk is full", "free some space and run the command again"
    if _HASH.search(text):
        return (
            "hash mismatch: the download is not the pinned file",
            "run the command again; if it fails again, a proxy or mirror changes the files",
        )
    if _NETWORK.search(text):
        return (
            f"no network, or the package index does not answer ({last})",
            "check the connection and the proxy settings, then run the command again; "
            "finished downloads are kept",
        )
    if _NO_BUILD.search(text):
        return (
            f"the package index has no build of a pinned package for this system ({last})",
            "use Python 3.10 to 3.13 on 64-bit Linux, Windows or macOS, "
            "or set COMFYUI_PATH and COMFYUI_PYTHON to your own ComfyUI",
        )
    tail = "\n".join(line for line in lines if line.strip()) or "no output"
    return f"exit code {exit_code}:\n{tail}", "see the lines above, then run the command again"


def run_tool(
    step_name: str,
    command: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> list[str]:
    """Run a command, echo its lines indented, and return them; a failure is a StepError."""
    kept: deque[str] = deque(maxlen=12)
    try:
        process = subprocess.Popen(
            [str(part) for part in command],
            cwd=cwd,
            env=dict(environ) if environ is not None else None,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            pass_fds=held_descriptors() if os.name == "posix" else (),
        )
    except FileNotFoundError as error:
        raise StepError(
            step_name, f"{command[0]} is not installed", "install it and run the command again"
        ) from error
    assert process.stdout is not None, "stdout is a pipe"
    try:
        for raw in process.stdout:
            line = raw.rstrip()
            kept.append(line)
            # uv lists every installed package, about two hundred lines.
            if line and not line.startswith((" + ", " - ")):
                say(f"  {line}")
        exit_code = process.wait()
    finally:
        # No installer outlives an interrupted dev.py.
        if process.poll() is None:
            process.kill()
            process.wait()
    if exit_code != 0:
        why, remedy = cause_and_remedy(list(kept), exit_code)
        raise StepError(step_name, why, remedy)
    return list(kept)
