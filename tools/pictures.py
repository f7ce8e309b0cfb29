"""Pictures of the comments in docs/verdicts, about as GitHub shows them: `python tools/pictures.py`, needs Chromium."""

import subprocess
import tempfile
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[1]
STYLE = """
body { font: 14px/1.5 system-ui, sans-serif; color: #1f2328; max-width: 860px; margin: 16px; }
h2 { border-bottom: 1px solid #d1d9e0; padding-bottom: 6px } table { border-collapse: collapse; margin: 12px 0 }
td, th { border: 1px solid #d1d9e0; padding: 4px 10px } code { background: #eff1f3; border-radius: 4px;
  padding: 1px 4px }
summary { margin: 6px 0 }
"""
CHROMIUM = [
    "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


def main() -> None:
    """Write docs/images/verdict-<name>.png for each comment."""
    for source in sorted((ROOT / "docs" / "verdicts").glob("*.md")):
        body = MarkdownIt("commonmark").enable("table").render(source.read_text("utf-8"))
        with tempfile.TemporaryDirectory() as folder:
            page = Path(folder) / "page.html"
            page.write_text(f"<!doctype html><meta charset=utf-8><style>{STYLE}</style>{body}", "utf-8")
            target = ROOT / "docs" / "images" / f"verdict-{source.stem}.png"
            size = [f"--user-data-dir={folder}/profile", "--window-size=900,760", f"--screenshot={target}"]
            subprocess.run([*CHROMIUM, *size, page.as_uri()], check=True, capture_output=True)


if __name__ == "__main__":
    main()
