"""pairmill: realistic HR/LR training pairs from your own low-resolution photos."""
