"""Translators: networks that learn from unpaired images to degrade clean LR or HR."""
