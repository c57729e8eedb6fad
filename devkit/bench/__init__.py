"""`dev.py bench`: benchmarks against peers, each program in a process of its own.

- `benchmark`: rows, bars and figures
- `rows`: the benchmarks, a file per group
- `models`: random models in the sizes of the published ones
- `engines`, `race`: the compared programs, and rounds by turns
- `worker`, `worker_program`: both ends of a program's process
- `hosted`: programs for ComfyUI's Python
"""
