"""Previews: what the degraders of a recipe do to its images, and what a build would cost, without
building.
"""
