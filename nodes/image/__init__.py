"""Nodes for pictures: text encoding, sampling, sweeps and grids, saving."""
