"""ComfyUI's HTTP API and its graphs in API form, without ComfyUI installed.

http_client     queue a graph, read its history, fetch pictures
server_events   messages of a run: progress, texts on nodes
followed_run    queue a graph and wait for its end
api_graph       read, edit and check a graph in API form
"""
