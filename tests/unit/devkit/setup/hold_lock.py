"""Hold the set-up lock for a time, run as a program: hold_lock.py LOCK SECONDS."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from devkit.setup.lock import only_one

with only_one(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
