"""Workflows of z-tipo-extension and ComfyUI_DanTagGen, converted to the nodes of this pack.

old_nodes         the nodes of the other packs: inputs, saved orders of widgets, outputs
new_nodes         the nodes of this pack as ComfyUI declares them (a generated table)
replacement       new nodes in place of an old one: their values, links and outputs
replace_tipo      the replacements of z-tipo's nodes
replace_dantaggen the replacement of DanTagGen's node
api_prompts       graphs in API form
ui_graph          nodes and links of a graph in UI form
ui_workflows      workflows in UI form, subgraphs included
placement         places and sizes of new nodes on the page
shown_widgets     widgets that app forms, favourites and subgraphs name
json_shapes       parts of a workflow whose JSON may have another shape
commands          `python -m tipo_core migrate`
"""
