"""The stages, one module each; `pairmill.pipeline.stages.table` lists all of them.

It is not imported here: a worker imports the stage that it carries, and no other.
"""
