"""Noise patches: measured, chosen and detrended from real images, laid over LR tiles."""
