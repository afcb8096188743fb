"""Source images: found, decoded to upright 8-bit sRGB, accepted or rejected with a reason."""
