"""What everybody agrees on: recipes, programs, records and manifests (pydantic only)."""
