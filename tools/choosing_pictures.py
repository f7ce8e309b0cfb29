"""Draw the two pictures of docs/choosing.md: `python tools/choosing_pictures.py`."""

from pathlib import Path

FOLDER = Path(__file__).parents[1] / "docs" / "images"
STYLE = (
    "<style>text{font:13px system-ui,sans-serif;fill:#57606a}.strong{fill:#24292f;font-weight:600}"
    ".axis{stroke:#8c959f}.bound{stroke:#cf222e;stroke-dasharray:4 3}.line{stroke:#0969da;stroke-width:3}"
    ".dot{fill:#0969da}@media(prefers-color-scheme:dark){text{fill:#9198a1}.strong{fill:#e6edf3}"
    ".line{stroke:#4493f8}.dot{fill:#4493f8}}</style>"
)
Row = tuple[str, str, float, float, float]
"""Name, what it means, and the interval: low, estimate, high."""


def picture(name: str, title: str, rows: list[Row], bound: float, words: str, span: tuple[float, float]) -> None:
    """Write intervals against one bound as an SVG."""
    width, left, right, top = 760, 230, 740, 56
    height = top + 46 * len(rows) + 40

    def at(value: float) -> float:
        return left + (value - span[0]) / (span[1] - span[0]) * (right - left)

    parts = [f'<text class="strong" x="12" y="24">{title}</text>']
    for place, (label, meaning, low, estimate, high) in enumerate(rows):
        y = top + 46 * place
        parts += [
            f'<text class="strong" x="12" y="{y + 12}">{label}</text><text x="12" y="{y + 29}">{meaning}</text>',
            f'<line class="line" x1="{at(low):.0f}" x2="{at(high):.0f}" y1="{y + 14}" y2="{y + 14}"/>',
            f'<circle class="dot" cx="{at(estimate):.0f}" cy="{y + 14}" r="5"/>',
        ]
    end = top + 46 * len(rows)
    parts += [
        f'<line class="bound" x1="{at(bound):.0f}" x2="{at(bound):.0f}" y1="{top - 10}" y2="{end}"/>',
        f'<line class="axis" x1="{at(0):.0f}" x2="{at(0):.0f}" y1="{top - 10}" y2="{end}"/>',
        f'<text x="{at(bound):.0f}" y="{end + 18}" text-anchor="middle">{words}</text>',
        f'<text x="{at(0):.0f}" y="{top - 14}" text-anchor="middle">no difference</text>',
    ]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    (FOLDER / name).write_text(f'{head} role="img" aria-label="{title}">{STYLE}{"".join(parts)}</svg>\n', "utf-8")


def main() -> None:
    """Draw both; the intervals of the first are the AUC's in docs/verdicts/carrier.md, also without its units."""
    picture("choosing-unit.svg", "One difference of AUCs on 82,767 flights, counted three ways",
            [("82,767 rows", "as if each flight were its own day", 0.0046, 0.0064, 0.0081),
             ("91 days", "as if days did not resemble each other", 0.0009, 0.0064, 0.0118),
             ("91 days in their order", "what the gate uses", -0.0074, 0.0064, 0.0201)],
            -0.005, "margin 0.005", (-0.012, 0.024))  # fmt: skip
    picture("choosing-margin.svg", "No worse than the champion, margin 0.01",
            [("pass", "all of it above the margin", -0.006, 0.002, 0.010),
             ("cannot tell", "the margin is inside: more rows", -0.018, -0.002, 0.014),
             ("fail", "all of it below the margin", -0.030, -0.022, -0.014)],
            -0.01, "margin", (-0.036, 0.02))  # fmt: skip


if __name__ == "__main__":
    main()
