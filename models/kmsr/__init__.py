"""KMSR's kernel modelling (Zhou and Süsstrunk, ICCV 2019): a generator fitted to a pool of kernels
draws new ones.
"""
