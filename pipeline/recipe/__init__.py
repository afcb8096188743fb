"""Recipes as people write them: YAML in, checked settings out."""
