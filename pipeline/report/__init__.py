"""The page made for looking at a corpus."""
