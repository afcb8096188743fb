"""What a camera does, from its photographs, without a recipe: `examine`, then `write`."""
