"""Registration of an HR and an LR image of one scene, and the kernel between them."""
