"""Shards: deterministic tars of samples."""
