"""Kernels on their way into a pool."""
