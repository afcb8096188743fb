"""Networks on files: upscaling them, and judging networks on pairs, corpora and real images."""
