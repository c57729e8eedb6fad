"""Run slow_tool.py under the set-up lock, as a program: install_under_lock.py LOCK."""

from __future__ import annotations

import sys
from pathlib import Path

from devkit.setup.lock import only_one
from devkit.setup.run_tool import run_tool

with only_one(Path(sys.argv[1])):
    run_tool("install", [sys.executable, Path(__file__).with_name("slow_tool.py")])
