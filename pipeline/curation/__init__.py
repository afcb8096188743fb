"""Curation: near-duplicates, benchmark leaks, blockiness and blur, and who the images are by."""
