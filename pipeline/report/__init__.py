"""The report of a version: `collect` gathers what is shown, `sections` and `page` turn it into one
static page.
"""
