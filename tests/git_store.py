"""Git objects and references of a bare repository without a process each: loose objects, as git itself writes them."""

import hashlib
import subprocess
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

TREE = "40000"


class GitStore:
    """A bare repository; what git packed away is read through git."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._known: dict[str, tuple[str, bytes]] = {}

    def write(self, kind: str, data: bytes) -> str:
        """Store an object; its name."""
        whole = f"{kind} {len(data)}\0".encode() + data
        sha = hashlib.sha1(whole).hexdigest()  # noqa: S324 - git's own naming
        path = self.folder / "objects" / sha[:2] / sha[2:]
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(zlib.compress(whole, 1))
        self._known[sha] = (kind, data)
        return sha

    def read(self, sha: str) -> tuple[str, bytes]:
        """Kind and content of an object; KeyError where there is none."""
        if sha not in self._known:
            path = self.folder / "objects" / sha[:2] / sha[2:]
            if path.is_file():
                head, _, data = zlib.decompress(path.read_bytes()).partition(b"\0")
                self._known[sha] = (head.split()[0].decode(), data)
            else:
                self._known[sha] = self._packed(sha)
        return self._known[sha]

    def _packed(self, sha: str) -> tuple[str, bytes]:
        asked = ["git", "--git-dir", str(self.folder), "cat-file", "--batch"]
        out = subprocess.run(asked, input=f"{sha}\n".encode(), capture_output=True, check=True).stdout
        head, _, data = out.partition(b"\n")
        if head.endswith(b"missing"):
            raise KeyError(sha)
        return head.split()[1].decode(), data[:-1]

    def ref(self, name: str) -> str | None:
        """Where a reference such as ``refs/heads/main`` points."""
        path = self.folder / name
        if path.is_file():
            return path.read_text("ascii").strip()
        return dict(self._packed_refs()).get(name)

    def refs(self, lead: str) -> list[tuple[str, str]]:
        """Every reference whose name begins so, with where it points."""
        found = dict(self._packed_refs())
        for path in (self.folder / "refs").rglob("*"):
            if path.is_file():
                found[path.relative_to(self.folder).as_posix()] = path.read_text("ascii").strip()
        return sorted((name, sha) for name, sha in found.items() if name.startswith(lead))

    def _packed_refs(self) -> Iterator[tuple[str, str]]:
        path = self.folder / "packed-refs"
        for line in path.read_text("utf-8").splitlines() if path.is_file() else ():
            if line[:1] not in ("#", "^"):
                sha, _, name = line.partition(" ")
                yield name, sha

    def set_ref(self, name: str, sha: str) -> None:
        """Point a reference somewhere."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{sha}\n", "ascii")

    def tree(self, sha: str) -> dict[str, tuple[str, str]]:
        """Name in a folder → its mode and object; a commit stands for its tree."""
        kind, data = self.read(sha)
        if kind == "commit":
            return self.tree(self.commit(sha)[0])
        if kind != "tree":
            raise KeyError(sha)
        found = {}
        while data:
            head, _, rest = data.partition(b"\0")
            mode, _, name = head.decode().partition(" ")
            found[name], data = (mode, rest[:20].hex()), rest[20:]
        return found

    def put(self, base: str | None, files: Mapping[str, tuple[str, str | None]]) -> str:
        """A tree like another but for some files; one without an object is left out."""
        items = self.tree(base) if base else {}
        below: dict[str, dict[str, tuple[str, str | None]]] = {}
        for path, (mode, sha) in files.items():
            name, _, rest = path.partition("/")
            if rest:
                below.setdefault(name, {})[rest] = (mode, sha)
            elif sha is None:
                items.pop(name, None)
            else:
                items[name] = (mode, sha)
        for name, inside in below.items():
            mode, sha = items.get(name, ("", ""))
            items[name] = (TREE, self.put(sha if mode == TREE else None, inside))
            if not self.tree(items[name][1]):
                del items[name]
        ordered = sorted(items.items(), key=lambda item: item[0] + ("/" if item[1][0] == TREE else ""))
        return self.write("tree", b"".join(f"{m} {n}\0".encode() + bytes.fromhex(s) for n, (m, s) in ordered))

    def file(self, sha: str, path: str) -> tuple[str, str] | None:
        """Mode and object of a path below a commit or tree."""
        found = ("", sha)
        for name in path.split("/"):
            try:
                found = self.tree(found[1])[name]
            except KeyError:
                return None
        return found

    def commit(self, sha: str) -> tuple[str, list[str], str]:
        """Tree, parents and message of a commit; KeyError where it is none."""
        kind, data = self.read(sha)
        if kind != "commit":
            raise KeyError(sha)
        head, _, message = data.decode("utf-8", "surrogateescape").partition("\n\n")
        lines = [line.split(" ") for line in head.splitlines()]
        parents = [line[1] for line in lines if line[0] == "parent"]
        return next(line[1] for line in lines if line[0] == "tree"), parents, message

    def make_commit(self, tree: str, parents: list[str], message: str, second: int) -> str:
        """Store a commit."""
        who = f"hub <hub@example.org> {second} +0000"
        lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents), f"author {who}", f"committer {who}"]
        return self.write("commit", ("\n".join(lines) + f"\n\n{message}").encode())

    def leads_to(self, old: str, new: str) -> bool:
        """Whether ``new`` is ``old`` or comes after it."""
        todo, seen = [new], set()
        while todo:
            sha = todo.pop()
            if sha == old:
                return True
            if sha not in seen:
                seen.add(sha)
                todo += self.commit(sha)[1]
        return False
