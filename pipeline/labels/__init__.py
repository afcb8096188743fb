"""What a program says of an LR, for networks that are told: its kernel, noise and codec."""
