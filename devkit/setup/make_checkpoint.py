"""Put toy-sd's checkpoint together: its packed weights, and the text encoder made from its seed.

Run as a program, in a Python that has numpy and safetensors: make_checkpoint.py PACKED CHECKPOINT
"""

from __future__ import annotations

import sys
from pathlib import Path

# A portable Python looks for modules in no folder of ours.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from lab.toy_sd.model.packing import make_checkpoint

make_checkpoint(Path(sys.argv[1]), Path(sys.argv[2]))
