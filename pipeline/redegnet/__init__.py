"""The pairs that ReDegNet is fitted on: real ones, varied, and pictures that are degraded alike."""
