"""Curation: near-duplicates, benchmark leaks, blockiness and blur, and who the pictures are by."""
