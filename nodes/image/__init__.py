"""Nodes on pictures: text encoding, sampling, sweeps and grids, saving."""
