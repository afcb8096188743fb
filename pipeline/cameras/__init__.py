"""Which photographs share a camera."""
