"""Real codecs: 8-bit images in, 8-bit images out, through the libraries that the world encodes
with.
"""
