"""Training from a corpus version in a workspace."""
