"""A normalising flow as the prior of Gaussian blur kernels (FKP, Liang et al., CVPR 2021)."""
