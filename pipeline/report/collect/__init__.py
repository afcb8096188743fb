"""Gathering what a report shows, bounded in time and memory whatever the size of the corpus."""
