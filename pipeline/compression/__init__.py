"""Compression of real images: read from files, estimated from pixels, and taken out of mined
noise.
"""
