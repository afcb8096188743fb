"""ZSSR: a network that learns from one image alone how to upscale it."""
