"""Pictures of what modelyard writes on GitHub, as GitHub shows it: `python tools/pictures.py [name …]`.

The comments in docs/verdicts, and the issue in docs/issue.md: light, dark and on a phone, with GitHub's own stylesheet
(npm's github-markdown-css) in Chromium; needs both.
"""

import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import cmarkgfm
from cmarkgfm.cmark import Options
from PIL import Image

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
STYLES = "github-markdown-css@5.9.0"
CHROMIUM = [
    "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
KINDS = {"light": ("light", 900, 1), "dark": ("dark", 900, 1), "phone": ("light", 390, 2)}
NARROWEST, TALLEST = 500, 1400
"""Of a window of Chromium, of which a phone is a part; of a picture, in CSS pixels."""
BOX = """
body {{ margin: 0; background: {page} }} .box {{ width: {width}px; box-sizing: border-box; padding: {pad}px }}
.markdown-body {{ border: 1px solid {line}; border-radius: 6px; padding: 16px; font-size: 14px }}
.title {{ font: 26px/1.25 system-ui, sans-serif; color: {text}; margin: 0 0 8px }}
.state {{ background: #1f883d; border-radius: 2em; color: #fff; display: inline-block; padding: 4px 12px;
  font: 500 14px system-ui, sans-serif; margin-bottom: 16px }}
"""
COLOURS = {
    "light": {"page": "#ffffff", "line": "#d1d9e0", "text": "#1f2328"},
    "dark": {"page": "#0d1117", "line": "#3d444d", "text": "#f0f6fc"},
}
HEIGHT = "<script>document.title = document.documentElement.scrollHeight</script>"


def styles(folder: Path) -> Path:
    """Return the folder of the stylesheets, fetched by npm."""
    packed = subprocess.run(["npm", "pack", "--silent", STYLES], cwd=folder, check=True, capture_output=True, text=True)
    with tarfile.open(folder / packed.stdout.strip()) as archive:
        archive.extractall(folder, filter="data")
    return folder / "package"


def page(markdown: str, css: Path, theme: str, width: int, heading: str = "") -> str:
    """Return Markdown as a page, by GitHub's own parser; ``heading`` is HTML above its box."""
    body = cmarkgfm.github_flavored_markdown_to_html(markdown, Options.CMARK_OPT_UNSAFE)
    own = BOX.format(width=width, pad=8 if width < NARROWEST else 16, **COLOURS[theme])
    style = (css / f"github-markdown-{theme}.css").read_text("utf-8")
    whole = f"<style>{style}{own}</style><div class=box>{heading}<article class=markdown-body>{body}</article></div>"
    return f'<!doctype html><html lang="en"><meta charset="utf-8"><title></title>{whole}{HEIGHT}</html>'


def shoot(html: str, target: Path, width: int, scale: int) -> None:
    """Draw a page as high as it is, or as a picture may be."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "page.html"
        path.write_text(html, "utf-8")
        wide = max(width, NARROWEST)
        base = [*CHROMIUM, f"--user-data-dir={folder}/profile", f"--force-device-scale-factor={scale}"]
        look = [*base, f"--window-size={wide},600", "--dump-dom", path.as_uri()]
        dumped = subprocess.run(look, check=True, capture_output=True, text=True).stdout
        found = re.search(r"<title>(\d+)</title>", dumped)
        if found is None:
            sys.exit("Chromium ran no script")
        size = [f"--window-size={wide},{min(TALLEST, int(found[1]))}", f"--screenshot={target}"]
        subprocess.run([*base, *size, path.as_uri()], check=True, capture_output=True)
    with Image.open(target) as whole:
        whole.convert("RGB").crop((0, 0, width * scale, whole.height)).save(target, optimize=True)


def sources() -> Iterator[tuple[str, str, str]]:
    """Yield name, heading and Markdown of what is pictured."""
    for source in sorted((ROOT / "docs" / "verdicts").glob("*.md")):
        yield f"verdict-{source.stem}", "", source.read_text("utf-8")
    title, _, text = (ROOT / "docs" / "issue.md").read_text("utf-8").partition("\n")
    yield "issue", f'<h1 class="title">{title.lstrip("# ")}</h1><span class="state">Open</span>', text


def main(wanted: list[str]) -> None:
    """Write docs/images/<name>-<kind>.png of each, or of those that are named."""
    with tempfile.TemporaryDirectory() as folder:
        css = styles(Path(folder))
        for name, heading, markdown in sources():
            if wanted and name not in wanted:
                continue
            for kind, (theme, width, scale) in KINDS.items():
                target = IMAGES / f"{name}-{kind}.png"
                shoot(page(markdown, css, theme, width, heading), target, width, scale)


if __name__ == "__main__":
    main(sys.argv[1:])
