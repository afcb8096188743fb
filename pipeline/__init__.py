"""Stages, degraders, pools, shards, corpora and reports; knows no orchestrator."""
