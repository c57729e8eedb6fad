"""Queue a workflow on a ComfyUI server with TIPO Suite, and save its pictures.

    python docs/examples/queue_workflow.py http://127.0.0.1:8188 workflows/api/text-to-image.json

Run it with the pack's folder in PYTHONPATH. The workflow is in API form. Its settings can
be changed before it is queued.
"""

import sys
import time
from pathlib import Path

from tipo_core.comfy_api.api_graph import apply_settings, load_graph
from tipo_core.comfy_api.http_client import HttpClient

if len(sys.argv) != 3:
    sys.exit(__doc__)
url, workflow = sys.argv[1:]
graph = load_graph(Path(workflow))
apply_settings(graph, ['TipoExpand.tags="planet, forest"', "TipoExpand.seed=7"])
client = HttpClient(url)
prompt_id = client.queue(graph)
while not (entry := client.history(prompt_id)):
    time.sleep(0.5)
print(entry["status"]["status_str"])
for output in entry["outputs"].values():
    for picture in output.get("images", ()):
        Path(picture["filename"]).write_bytes(client.view(picture))
        print("saved", picture["filename"])
