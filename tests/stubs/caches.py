"""What the stand-ins for actions/cache v5 do: a folder a key, below STUB_CACHE, where there is one."""

import json
import os
import shutil
import sys
from pathlib import Path


def main(part: str, *names: str) -> int:
    given = {name: os.environ[f"WITH_{name.upper().replace('-', '_')}"] for name in names}
    with Path(os.environ["STUB_DIR"], "calls.jsonl").open("a", encoding="utf-8") as stream:
        stream.write(json.dumps({"uses": f"actions/cache/{part}", "with": given}) + "\n")
    if not given["path"] or not given["key"]:
        print("::error::Input required and not supplied")
        return 1
    where = os.environ.get("STUB_CACHE")
    kept = Path(where, given["key"]) if where else None
    if part == "save":
        if kept is not None and not kept.exists():
            shutil.copytree(given["path"], kept, symlinks=True)
        return 0
    found = kept is not None and kept.is_dir()
    newest = kept if found else _like(where, given["restore-keys"].split())
    if newest is not None and given["lookup-only"] != "true":
        shutil.copytree(newest, given["path"], symlinks=True, dirs_exist_ok=not found)
    with Path(os.environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as stream:
        stream.write(f"cache-hit={str(found).lower() if found else ''}\n")
    return 0


def _like(where: str | None, beginnings: list[str]) -> Path | None:
    """Return the newest cache whose key begins as one of these."""
    known = sorted(Path(where).glob("*"), key=lambda path: path.stat().st_ctime_ns, reverse=True) if where else []
    return next((path for each in beginnings for path in known if path.name.startswith(each)), None)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
