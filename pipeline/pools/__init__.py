"""The pools that degraders draw from: one module per kind."""
