"""A Hub on 127.0.0.1 that speaks what `datasets` and `huggingface_hub` ask of the real one.

    with serving({"owner/quiz": Repository({"main": {"data/train.parquet": parquet(rows)}})}) as address:
        ...  # a subprocess with HF_ENDPOINT=address

Answers repository info (`/api/…/revision/…`), listings (`/tree/…`), `/paths-info/…`, and HEAD and GET of
`/resolve/…` with the headers that the cache is keyed by; errors as the real Hub marks them, by status and
`X-Error-Code`.  Not covered: uploads, LFS and Xet storage, pagination, the data set viewer.
"""

import hashlib
import io
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

import pyarrow as pa
import pyarrow.parquet as pq

ADDRESS = re.compile(
    r"(?P<api>/api)?/(?:(?P<kind>datasets|models)/)?(?P<name>[\w.-]+/[\w.-]+)"
    r"(?:/(?P<what>revision|tree|paths-info|resolve)/(?P<revision>[^/]+)(?:/(?P<path>.*))?)?"
)


@dataclass(frozen=True)
class Repository:
    """What one repository holds, and how the Hub behaves when it is asked for it."""

    revisions: dict[str, dict[str, bytes]]
    """Branch → path → content."""
    kind: Literal["datasets", "models"] = "datasets"
    gated: Literal[401, 403] | None = None
    """Status of every answer about its content: 401 for nobody in particular, 403 for somebody without access."""
    cut: str | None = None
    """Path whose download ends in the middle, the connection closed."""

    def commit(self, revision: str) -> str | None:
        """The commit that a branch, or a commit itself, stands for; None where there is no such revision."""
        known = {branch: hashlib.sha1(branch.encode()).hexdigest() for branch in self.revisions}
        return known.get(revision) or (revision if revision in known.values() else None)

    def files(self, revision: str) -> dict[str, bytes]:
        """Path → content at a revision that exists."""
        return next(files for branch, files in self.revisions.items() if self.commit(branch) == self.commit(revision))


def parquet(rows: list[dict[str, Any]], schema: pa.Schema | None = None) -> bytes:
    """Rows as the bytes of a Parquet file."""
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema), buffer)
    return buffer.getvalue()


@contextmanager
def serving(repositories: dict[str, Repository]) -> Iterator[str]:
    """Serve repositories by name until the block ends; gives the address for HF_ENDPOINT."""

    class Handler(_Handler):
        known = repositories

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def entry(path: str, content: bytes) -> dict[str, Any]:
    """A file as listings show it."""
    return {"type": "file", "path": path, "size": len(content), "oid": _tag(content)}


def _tag(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    """One request; what is asked of which repository stands in its path."""

    protocol_version = "HTTP/1.1"
    known: dict[str, Repository]

    def do_GET(self) -> None:
        self._answer()

    do_HEAD = do_POST = do_GET

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        found = ADDRESS.fullmatch(unquote(urlsplit(self.path).path).replace("refs/convert/parquet", "refs%parquet"))
        repository = self.known.get(found["name"]) if found else None
        if repository is None or (found["kind"] or "models") != repository.kind:
            self._refuse(401, "RepoNotFound", "Repository not found")
            return
        revision = (found["revision"] or "main").replace("refs%parquet", "refs/convert/parquet")
        commit = repository.commit(revision)
        if repository.gated and found["what"] == "resolve":
            self._refuse(repository.gated, "GatedRepo", "Access to this repository is restricted")
        elif commit is None:
            self._refuse(404, "RevisionNotFound", "Invalid rev id")
        elif found["what"] == "resolve":
            self._send_file(repository, found["path"], commit)
        elif found["what"] == "tree":
            self._send_json(_tree(repository.files(commit), found["path"] or "", "recursive=true" in self.path.lower()))
        elif found["what"] == "paths-info":
            self._send_json(_infos(repository.files(commit), body))
        else:
            siblings = [{"rfilename": path} for path in repository.files(commit)]
            gated = "manual" if repository.gated else False
            self._send_json(
                {"id": found["name"], "sha": commit, "siblings": siblings, "gated": gated, "private": False}
            )

    def _send_file(self, repository: Repository, path: str, commit: str) -> None:
        content = repository.files(commit).get(path)
        if content is None:
            self._refuse(404, "EntryNotFound", "Entry not found", commit)
            return
        self._head(200, len(content), {"ETag": f'"{_tag(content)}"', "X-Repo-Commit": commit})
        if self.command != "HEAD":
            cut = path == repository.cut
            self.wfile.write(content[: len(content) // 2] if cut else content)
            self.close_connection = cut

    def _send_json(self, value: Any) -> None:
        body = json.dumps(value).encode()
        self._head(200, len(body), {"Content-Type": "application/json"})
        self.wfile.write(body)

    def _refuse(self, status: int, code: str, message: str, commit: str | None = None) -> None:
        headers = {"X-Error-Code": code, "X-Error-Message": message}
        self._head(status, 0, headers | ({"X-Repo-Commit": commit} if commit else {}))

    def _head(self, status: int, size: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(size)}).items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is printed into the tests' output."""


def _tree(files: dict[str, bytes], folder: str, recursive: bool) -> list[dict[str, Any]]:
    """What lies in a folder ("" is the repository), in it directly or at any depth."""
    start = f"{folder}/" if folder else ""
    inside = {path: content for path, content in files.items() if path.startswith(start)}
    parts = [path.removeprefix(start).split("/") for path in inside]
    folders = {start + "/".join(names[:depth]) for names in parts for depth in range(1, len(names))}
    rows = [{"type": "directory", "path": path, "size": 0, "oid": _tag(path.encode())} for path in sorted(folders)]
    rows += [entry(path, content) for path, content in inside.items()]
    return rows if recursive else [row for row in rows if "/" not in row["path"].removeprefix(start)]


def _infos(files: dict[str, bytes], body: bytes) -> list[dict[str, Any]]:
    """Entries of the paths that a request names, those that exist."""
    asked = json.loads(body)["paths"]
    by_path = {row["path"]: row for row in _tree(files, "", recursive=True)}
    return [by_path[path] for path in ([asked] if isinstance(asked, str) else asked) if path in by_path]
