"""Pictures and captions of a folder, uploaded into a folder of the server's input folder."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

from ...comfy_api.followed_run import reached
from ...comfy_api.http_client import HttpClient
from ..dataset.picture_folders import files_of_folder

ROOT = "dreambooth"
# Characters that a form's header or a file system does not take.
_UNSAFE = re.compile(r'[\x00-\x1f\x7f"%\\/:*?<>|]')


def upload_pictures(
    client: HttpClient, folder: Path, show: Callable[[int, int], None]
) -> tuple[str, int]:
    """Upload a folder's pictures and captions; return their folder on the server, and the number.

    The folder's name has a digest of all contents, so other pictures never mix with these, and the
    same pictures are stored once. `show` gets the done and the total number of files. Raises
    FileNotFoundError for a missing folder, ValueError for one without pictures.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {folder}: check the path of --pictures")
    files = files_of_folder(folder)
    if not files.pictures:
        others = "".join(f"; {name}: {why}" for name, why in files.others[:3])
        raise ValueError(
            f"{folder} holds no picture{others}: give --pictures a folder of PNG or JPEG files"
        )
    stems = {path.stem for path in files.pictures}
    chosen = [*files.pictures, *(path for path in files.captions if path.stem in stems)]
    name = f"{ROOT}/{_safe(folder.resolve().name)}-{_digest(chosen)}"
    for number, path in enumerate(chosen, 1):
        reached(client, partial(client.upload_image, path, _safe(path.name), name))
        show(number, len(chosen))
    return name, len(files.pictures)


def _digest(files: list[Path]) -> str:
    digest = hashlib.blake2b(digest_size=6)
    for path in files:
        content = path.read_bytes()
        digest.update(f"{_safe(path.name)}\0{len(content)}\0".encode("utf-8", "surrogateescape"))
        digest.update(content)
    return digest.hexdigest()


def _safe(name: str) -> str:
    """Return a name that every server takes: the same for a picture and its caption."""
    plain = name.encode("utf-8", "replace").decode("utf-8")
    return _UNSAFE.sub("_", plain).strip(" .") or "_"
