"""What a camera does to a scene, estimated from its photographs alone: see `estimate`."""
