"""Losses that compare pictures by what a network sees in them."""
