"""Settings of the super-resolution networks, one module each; `pairmill.schemas.network` has the
union of all.
"""
