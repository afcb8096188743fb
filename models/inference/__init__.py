"""Networks at work on whole images: in tiles, in eight positions, between two sets of weights."""
