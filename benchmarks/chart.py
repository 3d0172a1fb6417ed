"""Cost against size, on log-log scales, as SVG written by hand."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 420, 64, 250, 40, 48
INKS = "#1b1b1b", "#0b6e4f", "#c2571a", "#5b4b9a", "#1f6fb2", "#7a7a7a", "#a8326e", "#8a6d00"
Points = Sequence[tuple[float, float]]


def drawn(curves: Mapping[str, Points], slopes: Mapping[str, float]) -> str:
    """A line for each way that was measured at two sizes or more, with its fitted slope beside its name."""
    shown = {way: points for way, points in curves.items() if len(points) > 1}
    every = [point for points in shown.values() for point in points] or [(1.0, 1.0), (10.0, 10.0)]
    ends = [(_down(min(values)), _up(max(values))) for values in zip(*every, strict=True)]
    parts = [*_grid(ends)]
    names = []
    for ink, (way, points) in zip(INKS, shown.items(), strict=False):
        at = [_place(point, ends) for point in points]
        parts.append(f'<polyline fill="none" stroke="{ink}" stroke-width="2" points="{_text(at)}"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{ink}"/>' for x, y in at]
        names.append((at[-1][1], f"{way}, slope {slopes[way]:.2f}", ink))
    parts += _names(names)
    title = "Processor milliseconds to build a model and hand it to HiGHS, by slices"
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        f'font-size="13" role="img" aria-label="{title}">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="22" font-size="15" fill="#1b1b1b">{title}</text>', *parts, "</svg>", "",
    ])  # fmt: skip


def _grid(ends: Sequence[tuple[int, int]]) -> Iterable[str]:
    """A line and a number at every power of ten."""
    (left, right), (low, high) = ends
    for power in range(left, right + 1):
        x, y = _place((10.0**power, 10.0**low), ends)
        yield f'<path d="M{x:.1f} {TOP}V{y:.1f}" stroke="#dddddd"/>'
        yield f'<text x="{x:.1f}" y="{y + 20:.1f}" text-anchor="middle" fill="#444444">{10**power:,}</text>'
    for power in range(low, high + 1):
        x, y = _place((10.0**left, 10.0**power), ends)
        yield f'<path d="M{x:.1f} {y:.1f}H{WIDTH - RIGHT}" stroke="#dddddd"/>'
        yield f'<text x="{x - 8:.1f}" y="{y + 4:.1f}" text-anchor="end" fill="#444444">{10.0**power:,.12g}</text>'


def _names(names: Sequence[tuple[float, str, str]]) -> Iterable[str]:
    """Names beside the ends of their lines, one below another."""
    last = -math.inf
    for y, name, ink in sorted(names):
        last = max(y, last + 17)
        yield f'<text x="{WIDTH - RIGHT + 8}" y="{last + 4:.1f}" fill="{ink}">{name}</text>'


def _place(point: tuple[float, float], ends: Sequence[tuple[int, int]]) -> tuple[float, float]:
    (left, right), (low, high) = ends
    across = (math.log10(point[0]) - left) / (right - left)
    up = (math.log10(point[1]) - low) / (high - low)
    return LEFT + across * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM)


def _text(points: Points) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _down(value: float) -> int:
    return math.floor(math.log10(value))


def _up(value: float) -> int:
    return max(math.ceil(math.log10(value)), _down(value) + 1)
