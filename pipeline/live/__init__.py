"""The live preview: a degrader's settings as sliders, and at once what they do to an image."""
