"""Pure functions on images and kernels."""
