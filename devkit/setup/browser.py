"""The system's Chromium, which the browser tests drive; Playwright's own download is not used."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from devkit.messages import StepError

VARIABLE = "CHROMIUM_PATH"
NAMES = ("chromium", "chromium-browser", "google-chrome")
MISSING = (
    f"there is no Chromium (looked on the PATH for {', '.join(NAMES)}): install it "
    f"(Debian and Ubuntu: sudo apt-get install chromium), or set {VARIABLE} to the program"
)


def find_chromium(
    environ: Mapping[str, str], which: Callable[[str], str | None] = shutil.which
) -> Path | None:
    """Return the browser that CHROMIUM_PATH names, else the first on the PATH, else None."""
    named = environ.get(VARIABLE)
    if named:
        path = Path(named).expanduser().absolute()
        if not path.is_file():
            raise StepError(
                "find Chromium",
                f"{VARIABLE} is {path}, and there is no such file",
                f"set {VARIABLE} to the browser's program, or unset it to look on the PATH",
            )
        return path
    found = next(filter(None, map(which, NAMES)), None)
    return Path(found) if found else None


def must_have_chromium(environ: Mapping[str, str]) -> bool:
    """Return whether a missing browser is a failure: it is on a CI machine, which sets CI=true."""
    return environ.get("CI", "").lower() in ("1", "true")


def chromium_arguments() -> list[str]:
    """Return the flags of a headless browser that asks nothing of the network by itself."""
    flags = [
        "--headless",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    ]
    # Chromium's sandbox refuses to run as root, which build machines often are.
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    return [*flags, "--no-sandbox"] if is_root else flags
