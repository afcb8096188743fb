"""A version's folder alone, as it was copied or downloaded, under the names of a workspace."""

from __future__ import annotations

from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.errors import UserError


class VersionFolder(Storage):
    """Files of one version, wherever it lies; its corpus has no log, tags or locks here.

    Args:
        url: Folder or fsspec URL of the version.
        name: Name of the corpus.
        version: The version.
    """

    def __init__(self, url: str, name: str, version: str) -> None:
        super().__init__(url)
        self.folder = layout.version_folder(name, version)

    def path(self, name: str) -> str:
        """See `Storage.path`."""
        return super().path(self._inside(name))

    def _at(self, name: str) -> str:
        return super()._at(self._inside(name))

    def _inside(self, name: str) -> str:
        """The same file as this folder calls it.

        Raises:
            UserError: if it is not a file of the version.
        """
        if name == self.folder:
            return "."
        if not name.startswith(f"{self.folder}/"):
            raise UserError(
                "only the folder of a version is here, not its workspace",
                where=self.url,
                got=name,
                todo="open the version in its workspace, by NAME@VERSION",
            )
        return name.removeprefix(f"{self.folder}/")
