"""Files that `dev.py generate` writes are those that follow from the nodes today."""

from __future__ import annotations

from pathlib import Path

from devkit.generate.derived import stale_files, translation_problems
from devkit.server.websocket_client import Client


def test_derived_files_are_up_to_date(client: Client, repository: Path) -> None:
    assert stale_files(repository, client.object_info()) == [], "run: python3 dev.py generate"


def test_the_translation_has_the_keys_of_the_nodes(client: Client, repository: Path) -> None:
    assert translation_problems(repository, client.object_info()) == []
