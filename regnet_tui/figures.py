"""How are numbers, times and sizes written on the screens?"""

from __future__ import annotations

import math

NOTHING = "–"
"""What stands where there is no value."""


def number(value: object, digits: int = 3) -> str:
    """Return a number as tables show it: `digits` decimals, fewer above 10, exponents at the extremes."""
    if value is None or isinstance(value, str | bool):
        return NOTHING if value is None else str(value)
    if isinstance(value, int):
        return str(value)
    real = float(value)  # type: ignore[arg-type]
    if not math.isfinite(real):
        return NOTHING if math.isnan(real) else ("∞" if real > 0 else "-∞")
    if real != 0 and not 0.5 * 10.0**-digits <= abs(real) < 1e6:
        return f"{real:.0e}"
    before = math.floor(math.log10(abs(real))) if abs(real) >= 10 else 0
    return f"{real:.{max(digits - before, 0)}f}"


def signed(value: object, digits: int = 3) -> str:
    """Return a difference with its sign."""
    text = number(value, digits)
    return text if text == NOTHING or text.startswith("-") else f"+{text}"


def with_error(value: object, error: object, digits: int = 3) -> str:
    """Return ``0.812 ±.004``, a mean with its Monte Carlo standard error."""
    text = number(value, digits)
    # no more digits than the mean has: what stands behind them says nothing
    decimals = len(text.partition(".")[2])
    error_text = number(error, decimals if "e" not in text else digits)
    if NOTHING in (text, error_text):
        return text
    return f"{text} ±{error_text[1:] if error_text.startswith('0.') else error_text}"


def interval(low: object, high: object, digits: int = 3) -> str:
    """Return ``0.025, 0.041``; nothing where either end isn't known."""
    texts = (number(low, digits), number(high, digits))
    return NOTHING if NOTHING in texts else ", ".join(texts)


def signed_interval(low: object, high: object, digits: int = 3) -> str:
    """Return ``[+0.025, +0.041]``, an interval of a difference; nothing where either end isn't known."""
    texts = (signed(low, digits), signed(high, digits))
    return NOTHING if NOTHING in texts else f"[{', '.join(texts)}]"


def share(value: object) -> str:
    """Return a share in per cent."""
    if value is None or not math.isfinite(float(value)):  # type: ignore[arg-type]
        return NOTHING
    return f"{100 * float(value):.0f}%"  # type: ignore[arg-type]


def duration(seconds: float | None) -> str:
    """Return a span of time in at most two units: ``12 ms``, ``4.2 s``, ``3 min 20 s``, ``3 d 4 h``."""
    if seconds is None or not math.isfinite(seconds) or seconds < 0:
        return NOTHING
    if 0 < seconds < 0.1:
        return f"{max(1e3 * seconds, 1):.0f} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for size, unit, below, small in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            big, rest = divmod(whole, size)
            return f"{big} {unit} {rest // below} {small}" if rest // below else f"{big} {unit}"
    return f"{whole} s"


def age(seconds: float | None) -> str:
    """Return how long ago something was, in one unit."""
    if seconds is None or not math.isfinite(seconds):
        return NOTHING
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return "now" if seconds < 2 else f"{int(seconds)} s"


def size(n_bytes: float) -> str:
    """Return a size in binary units."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(n_bytes) < 1024:
            return f"{n_bytes:.0f} {unit}" if unit == "B" or n_bytes >= 10 else f"{n_bytes:.1f} {unit}"
        n_bytes /= 1024
    return f"{n_bytes:.1f} TiB"


def bar(part: float, width: int) -> str:
    """Return a bar of `width` cells, filled to a share `part` of it; readable without colour."""
    halves = int(min(max(part, 0.0), 1.0) * width * 2)
    full, half = divmod(halves, 2)
    return ("━" * full + "╸" * half).ljust(width, "─")


def count(n: int, noun: str, plural: str = "") -> str:
    """Return ``1 fit`` or ``1,200 fits``."""
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"
