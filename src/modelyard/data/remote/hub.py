"""Data sets on Hugging Face: a repository at one commit, whose files are known by the hashes of their blobs.

The calls are those of the Hub's published description: ``/api/datasets/{repo}/revision/{revision}``,
``/api/datasets/{repo}/tree/{revision}/{path}`` with pages in ``Link``, ``/datasets/{repo}/resolve/{commit}/{path}``.
"""

import json
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from modelyard.core.errors import ConfigError
from modelyard.data.remote import address, failures
from modelyard.data.remote.address import Keys
from modelyard.data.remote.objects import Object, Reading
from modelyard.data.remote.web import Web, origin, refuse_plain, told
from modelyard.data.source import Location

if TYPE_CHECKING:
    import requests

HUB = "https://huggingface.co"
TOKENS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
_EXAMPLE = "hf://datasets/owner/name@main/data/*.parquet"
_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}"
_REVISION = r"refs/(?:convert|pr)/[A-Za-z0-9._-]{1,80}|[A-Za-z0-9][A-Za-z0-9._%-]{0,199}"
_ADDRESS = re.compile(rf"hf://datasets/({_NAME}/{_NAME})(?:@({_REVISION}))?/(.*)", re.DOTALL)
_COMMIT = re.compile(r"[0-9a-f]{40}")
_PAGES = 1000
"""Pages of a listing that are read, of a thousand files each."""


_LONGEST = 32 << 20
"""Bytes of one page."""


def split(location: Location) -> tuple[str, str, Keys]:
    """Return repository, revision and keys of an address.

    Raises:
        ConfigError: it is none.
    """
    found = _ADDRESS.fullmatch(location.source)
    if found is None:
        raise address.bad(location, f"{location.source[:200]!a} is no address of a data set", f"Write {_EXAMPLE}.")
    return found[1], (found[2] or "main").replace("%2F", "/"), address.keys(location, found[3], _EXAMPLE)


class Repository:
    """A data set's repository at the commit that a revision names; implements ``Store``."""

    def __init__(self, location: Location, name: str, revision: str) -> None:
        self._location, self._name, self._revision = location, name, revision

    @property
    def place(self) -> str:
        """Return the repository's address."""
        return f"hf://datasets/{self._name}"

    @cached_property
    def _root(self) -> str:
        root = (os.environ.get("HF_ENDPOINT") or HUB).rstrip("/")
        refuse_plain(self._location, root)
        return root

    @cached_property
    def _token(self) -> str:
        return next((os.environ[name] for name in TOKENS if os.environ.get(name)), "")

    @cached_property
    def _web(self) -> Web:
        return Web(self._location, self.place, self._root, self._token)

    @cached_property
    def commit(self) -> str:
        """The commit, looked up once, so that listing and contents are of one state."""
        revision = quote(self._revision, safe="")
        known, _ = self._json(f"{self._root}/api/datasets/{self._name}/revision/{revision}", "repository or revision")
        commit = known.get("sha") if isinstance(known, dict) else None
        if not isinstance(commit, str) or not _COMMIT.fullmatch(commit):
            raise failures.server_failed(self._location, self.place, None)
        return commit

    def look_up(self, key: str) -> Object | None:
        """Return one file."""
        return next((each for each in self.list(key.rpartition("/")[0], deep=False) if each.key == key), None)

    def list(self, folder: str, *, deep: bool) -> Iterable[Object]:
        """Yield the files of the commit, page after page."""
        below = f"/{quote(folder)}" if folder else ""
        url = f"{self._root}/api/datasets/{self._name}/tree/{self.commit}{below}"
        url += "?recursive=true" if deep else ""
        for _ in range(_PAGES):
            try:
                found, after = self._json(url, "folder")
            except ConfigError:
                return  # the repository is there, so the folder is not
            if not isinstance(found, list):
                raise failures.server_failed(self._location, self.place, None)
            yield from filter(None, map(self._object, found))
            if not after:
                return
            if origin(after) != origin(self._root):
                raise failures.redirected(self._location, self.place, "a listing to another server")
            url = after
        raise failures.server_failed(self._location, self.place, None)

    def _object(self, entry: Any) -> Object | None:
        if not isinstance(entry, dict) or entry.get("type") != "file":
            return None
        lfs: Any = entry.get("lfs")
        blob = lfs.get("oid") if isinstance(lfs, dict) else entry.get("oid")
        key, size = entry.get("path"), entry.get("size")
        if not isinstance(key, str) or type(size) is not int or not isinstance(blob, str):
            raise failures.server_failed(self._location, self.place, None)
        return Object(key=key, size=size, version=blob[:200])

    @contextmanager
    def read(self, wanted: Object) -> Iterator[Reading]:
        """Read a file of the commit; large ones are handed out by another server, which gets no token."""
        url = f"{self._root}/datasets/{self._name}/resolve/{self.commit}/{quote(wanted.key)}"
        with self._web.send("GET", url) as answer:
            found = self._told(wanted.key, answer)
            if found is None:
                raise failures.changed_while_read(self._location, wanted.key)
            yield Reading(Object(wanted.key, found.size), answer.iter_content(1 << 20))

    def _told(self, key: str, answer: "requests.Response") -> Object | None:
        return told(self._location, self.place, key, answer, "HF_TOKEN", anonymous=not self._token)

    def _json(self, url: str, what: str) -> tuple[Any, str]:
        """Return an answer's JSON, and the address of its next page."""
        with self._web.send("GET", url) as answer:
            # Without a token the Hub answers 401 about what is not there, lest it tell what is private.
            if self._told("", answer) is None:
                raise failures.no_such_place(self._location, f"{self.place}@{self._revision}", what)
            body = b""
            for part in answer.iter_content(1 << 20):
                body += part
                if len(body) > _LONGEST:
                    raise failures.server_failed(self._location, self.place, None)
            try:
                return json.loads(body), str(answer.links.get("next", {}).get("url", ""))
            except (ValueError, RecursionError) as error:
                raise failures.server_failed(self._location, self.place, None) from error
