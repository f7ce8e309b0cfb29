"""Pictures of what modelyard writes on GitHub, about as GitHub shows it: `python tools/pictures.py`, needs Chromium.

The comments in docs/verdicts, and the issue in docs/issue.md: light, dark and on a phone.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import cmarkgfm
from cmarkgfm.cmark import Options
from PIL import Image

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
LIGHT = "--text: #1f2328; --soft: #59636e; --line: #d1d9e0; --back: #ffffff; --code: #818b981f; --even: #f6f8fa"
DARK = "--text: #f0f6fc; --soft: #9198a1; --line: #3d444d; --back: #0d1117; --code: #656c7633; --even: #151b23"
STYLE = """
html { background: var(--back) }
body { font: 14px/1.5 system-ui, sans-serif; color: var(--text); margin: 0; padding: 16px; box-sizing: border-box;
  overflow-wrap: break-word }
.title { font-size: 26px; line-height: 1.25; margin: 0 0 8px }
.state { background: #1f883d; border-radius: 2em; color: #fff; display: inline-block; font-weight: 500;
  padding: 4px 12px; margin-bottom: 16px }
.body { border: 1px solid var(--line); border-radius: 6px; padding: 16px }
.body > :first-child { margin-top: 0 }
h2, h3 { line-height: 1.25; margin: 24px 0 16px } h2 { border-bottom: 1px solid var(--line); font-size: 21px;
  padding-bottom: 6px } h3 { font-size: 17px }
table { border-collapse: collapse; display: block; margin: 0 0 16px; max-width: 100%; overflow: auto;
  width: max-content }
td, th { border: 1px solid var(--line); padding: 6px 13px } tr:nth-child(2n) td { background: var(--even) }
code { background: var(--code); border-radius: 6px; font: 12px ui-monospace, monospace; padding: .2em .4em;
  white-space: break-spaces }
ul { padding-left: 2em } summary { margin: 6px 0 } sub { color: var(--soft) }
"""
CHROMIUM = [
    "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
NARROWEST = 500
"""Of a window of Chromium; a phone is a part of it."""


def shown(markdown: str) -> str:
    """Return Markdown as GitHub's own parser renders it."""
    return str(cmarkgfm.github_flavored_markdown_to_html(markdown, options=Options.CMARK_OPT_UNSAFE))


def picture(target: Path, body: str, colours: str, *, width: int, scale: int) -> None:
    """Write a picture of a page, as high as it is."""
    style = f":root {{ {colours} }} {STYLE} body {{ width: {width}px }}"
    high = "<script>document.title = document.body.scrollHeight</script>"
    html = f"<!doctype html><meta charset=utf-8><title></title><style>{style}</style><body>{body}{high}"
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.html"
        page.write_text(html, "utf-8")
        common = [*CHROMIUM, f"--user-data-dir={folder}/profile", f"--force-device-scale-factor={scale}"]
        wide = max(width, NARROWEST)
        dumped = subprocess.run(
            [*common, f"--window-size={wide},800", "--dump-dom", page.as_uri()], check=True, capture_output=True,
            text=True,
        ).stdout  # fmt: skip
        found = re.search(r"<title>(\d+)</title>", dumped)
        if found is None:
            sys.exit("Chromium ran no script")
        size = [f"--window-size={wide},{found[1]}", f"--screenshot={target}"]
        subprocess.run([*common, *size, page.as_uri()], check=True, capture_output=True)
    with Image.open(target) as whole:
        whole.crop((0, 0, width * scale, whole.height)).quantize(128).save(target, optimize=True)


def main() -> None:
    """Write docs/images/verdict-<name>.png of each comment, and issue-<where>.png."""
    for source in sorted((ROOT / "docs" / "verdicts").glob("*.md")):
        body = shown(source.read_text("utf-8"))
        picture(IMAGES / f"verdict-{source.stem}.png", body, LIGHT, width=900, scale=1)
    title, _, text = (ROOT / "docs" / "issue.md").read_text("utf-8").partition("\n")
    heading = f'<h1 class="title">{title.lstrip("# ")}</h1><span class="state">Open</span>'
    body = f'{heading}<div class="body">{shown(text)}</div>'
    for name, colours, width in (("light", LIGHT, 900), ("dark", DARK, 900), ("phone", LIGHT, 390)):
        picture(IMAGES / f"issue-{name}.png", body, colours, width=width, scale=2 if name == "phone" else 1)


if __name__ == "__main__":
    main()
