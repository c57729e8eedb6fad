"""Write toy-sd's checkpoint: the packed weights, and the text encoder made from its seed.

A file of its own, since it runs in ComfyUI's Python: make_checkpoint.py PACKED CHECKPOINT
"""

from __future__ import annotations

import sys
from pathlib import Path

# A portable Python does not search this checkout for modules.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from lab.toy_sd.model.packing import make_checkpoint

make_checkpoint(Path(sys.argv[1]), Path(sys.argv[2]))
