"""The kit that all pages are made of: markup, charts, pictures, the frame of a document."""
