"""One-time links to files that no conversion made."""

from converter import downloads, storage
from tests.support.uploads import PICTURE


def issue(content: bytes = PICTURE) -> str:
    """Store `content` as a file and return the path of a new link to it."""
    with storage.workspace() as folder:
        path = folder / "x.gif"
        path.write_bytes(content)
        name = storage.store(path, folder=storage.CONVERTED)
    return f"/download/{downloads.issue(name, filename='a.gif', content_type='image/gif')}/"
