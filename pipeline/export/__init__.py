"""Export: a version in the formats of other people's trainers and tools."""
