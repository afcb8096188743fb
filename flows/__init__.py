"""Prefect flows, Dask clients and the command line: the thin edge around the pipeline."""
