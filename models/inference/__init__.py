"""Networks at work on whole images: in tiles, under eight flips and rotations, between two sets of
weights.
"""
