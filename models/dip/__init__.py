"""Deep image prior (Ulyanov et al., CVPR 2018), and what it tells of the kernel (Double-DIP,
DIP-FKP).
"""
