"""The shape that stages share, and running them."""
