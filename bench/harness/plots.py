"""Bar charts as SVG: a few rectangles and words, so nothing is needed to draw them."""
import math
from html import escape

COLOURS = ("#2f6f9f", "#d08a2c", "#7a7a7a", "#5b9a4b")
WIDTH, LABEL, LEGEND, BAR, GAP, HEAD, FOOT = 760, 210, 400, 15, 12, 56, 34


def text(x, y, words, anchor="start", size=12, colour="#222"):
    return (
        f'<text x="{x:.0f}" y="{y:.0f}" font-size="{size}" fill="{colour}" text-anchor="{anchor}" '
        f'font-family="sans-serif">{escape(words)}</text>'
    )


def rectangle(x, y, width, height, colour):
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 1):.1f}" height="{height}" fill="{colour}"/>'


def ticks(top, logarithmic, bottom):
    if logarithmic:
        return [10.0**power for power in range(math.floor(math.log10(bottom)), math.ceil(math.log10(top)) + 1)]
    step = 10 ** math.floor(math.log10(top))
    while top / step < 4:
        step /= 2
    return [step * i for i in range(int(top / step) + 2)]


def shown(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def bars(title, unit, groups, logarithmic=False):
    """`groups` is [(label, [(series, value)])]."""
    values = [value for _, bars in groups for _, value in bars]
    marks = ticks(max(values), logarithmic, min(values))
    low, high = (marks[0], marks[-1]) if logarithmic else (0.0, marks[-1])
    room = WIDTH - LABEL - 70

    def place(value):
        if logarithmic:
            return LABEL + room * (math.log10(value) - math.log10(low)) / max(math.log10(high) - math.log10(low), 1e-9)
        return LABEL + room * value / high

    names = list(dict.fromkeys(series for _, bars in groups for series, _ in bars))
    height = HEAD + FOOT + sum(len(bars) * BAR + GAP for _, bars in groups)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}">']
    out += [rectangle(0, 0, WIDTH, height, "#ffffff"), text(12, 20, title, size=15), text(12, 40, unit, colour="#666")]
    for i, name in enumerate(names if len(names) > 1 else []):
        out += [rectangle(LEGEND + i * 110, 30, 12, 12, COLOURS[i % 4]), text(LEGEND + i * 110 + 17, 40, name)]
    for mark in marks:
        x = place(mark)
        out.append(f'<line x1="{x:.1f}" y1="{HEAD - 4}" x2="{x:.1f}" y2="{height - FOOT}" stroke="#ddd"/>')
        out.append(text(x, height - 14, shown(mark), "middle", 11, "#666"))
    y = HEAD
    for label, bars_of_group in groups:
        out.append(text(LABEL - 8, y + len(bars_of_group) * BAR / 2 + 4, label, "end"))
        for series, value in bars_of_group:
            x = place(value)
            out.append(rectangle(LABEL, y, x - LABEL, BAR - 2, COLOURS[names.index(series) % 4]))
            out.append(text(x + 5, y + BAR - 4, shown(value), size=11))
            y += BAR
        y += GAP
    return "\n".join([*out, "</svg>"]) + "\n"
