"""ComfyUI's HTTP API and its graphs in API form, without ComfyUI installed.

http_client   queue a graph, read its history, fetch pictures
api_graph     read, edit and check a graph in API form
"""
