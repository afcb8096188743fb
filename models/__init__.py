"""Tensor functions, networks and fits: arrays in, arrays out, no files."""
