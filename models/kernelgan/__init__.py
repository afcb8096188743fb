"""KernelGAN (Bell-Kligler et al. 2019): an image's own x2 kernel, estimated for many images at
once.
"""
