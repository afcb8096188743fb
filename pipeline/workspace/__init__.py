"""The files of a workspace: storage, layout, locks, provenance."""
