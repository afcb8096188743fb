"""Training of SR networks."""
