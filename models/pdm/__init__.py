"""PDM, the probabilistic degradation model (Luo et al., CVPR 2022), written from the paper."""
