"""Real pairs: how LR lies on HR, registration, and whether a pair is one."""
