"""TIPO's published protocol on a ComfyUI server: pictures with and without TIPO, measured.

commands       the command line, with its help texts
prompts        prompts of the published tests
workflow       the workflow that draws, with its options
arms           the same workflow with and without TIPO
draw, rows     draw missing pictures; a row for each
arm_measures   both arms measured
"""
