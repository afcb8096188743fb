"""Builds: select images, run the stages, publish a version."""
