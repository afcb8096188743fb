"""The pairs that ReDegNet is fitted on: real ones, varied, and images that are degraded alike."""
