"""The sections of the page: pure functions from report data to HTML."""
