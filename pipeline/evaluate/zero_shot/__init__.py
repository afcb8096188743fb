"""Methods that upscale an image with nothing but that image: no checkpoint, no other images."""
