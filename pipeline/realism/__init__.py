"""Realism, measured: how well a classifier distinguishes synthetic LR from the user's real LR."""

from pairmill.pipeline.realism.compare import auc

__all__ = ["auc"]
