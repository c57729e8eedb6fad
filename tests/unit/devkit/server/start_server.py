"""Start a server as dev.py does and wait to be ended, run as a program: start_server.py FOLDER.

FOLDER holds the ComfyUI tree and the base directory.
"""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path

from devkit.cli import leave_on_termination
from devkit.server.server import Server
from devkit.setup.host import Host

leave_on_termination()
# A process in the background ignores SIGINT otherwise.
signal.signal(signal.SIGINT, signal.default_int_handler)
folder = Path(sys.argv[1])
host = Host(folder / "tree", Path(sys.executable), "0.0", False)
with Server(host, folder / "base", folder / "logs"):
    print("up", flush=True)
    time.sleep(600)
