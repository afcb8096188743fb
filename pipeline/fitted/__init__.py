"""Hand-made chains fitted to a user's photographs."""
