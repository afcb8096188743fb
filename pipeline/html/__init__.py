"""The kit that all pages are made of: markup, charts, images, the frame of a document."""
