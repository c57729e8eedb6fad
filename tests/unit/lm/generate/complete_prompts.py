"""Complete prompts in a process of its own: complete_prompts.py MODEL ARGUMENTS TOKENS PRECISION...

ARGUMENTS is a JSON list; each entry has the arguments of one CompletionRequest. Prints a JSON
list of the texts for each precision.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch

from tipo_core.lm.files.loader import load_llama
from tipo_core.lm.files.model_files import ModelFiles
from tipo_core.lm.generate.completion import CompletionRequest
from tipo_core.lm.generate.engine import LlamaLanguageModel
from tipo_core.lm.generate.sampling_options import SamplingOptions
from tipo_core.lm.model.precision import resolve

torch.set_num_threads(1)
cpu = torch.device("cpu")
asks = [CompletionRequest(*one) for one in json.loads(sys.argv[2])]
options = SamplingOptions(temperature=1.0, max_new_tokens=int(sys.argv[3]))
for precision in sys.argv[4:]:
    kind = resolve(precision, cpu, torch.float16)
    loaded = load_llama(ModelFiles(Path(sys.argv[1])), kind)
    model = LlamaLanguageModel(*loaded, options, device=cpu, dtype=torch.float32)
    print(json.dumps([one.text for one in model.complete_many(asks)]))
