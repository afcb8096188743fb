"""Where the images of one report are put."""

from __future__ import annotations

from pairmill.pipeline.html.pictures import Image, jpeg, png
from pairmill.pipeline.workspace.storage import Storage


class PictureFiles:
    """Writes each image once into `img/` and gives back its name relative to the page."""

    def __init__(self, storage: Storage, folder: str) -> None:
        self.storage, self.folder = storage, folder
        self.names: set[str] = set()

    def png(self, stem: str, image: Image) -> str:
        """A lossless image."""
        return self._put(f"img/{stem}.png", image)

    def jpeg(self, stem: str, image: Image) -> str:
        """An image whose pixels are not looked at."""
        return self._put(f"img/{stem}.jpg", image)

    def _put(self, name: str, image: Image) -> str:
        if name not in self.names:
            if name.endswith(".png"):
                data = png(image)
            else:
                data = jpeg(image)
            self.storage.write(f"{self.folder}/{name}", data)
            self.names.add(name)
        return name
