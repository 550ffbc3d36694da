"""How does text from files reach the terminal? As data: no control character, no markup, no surprise.

Motif names, logs, presets and paths may hold anything. What is drawn goes through :func:`clean`, and
is drawn from plain strings, which are never parsed as markup.
"""

from __future__ import annotations

import unicodedata

from rich.cells import cell_len, set_cell_size

MOST_SHOWN = 2_000
"""Longest text that is cleaned and drawn, in characters; the rest of a line is cut off, and said so."""

_MOST_MARKS = 2  # combining characters kept on one base character


def clean(text: object, most: int = MOST_SHOWN) -> str:
    """Return one line of text that can be drawn: control, bidi and zero-width characters made visible."""
    line = str(text)
    if len(line) > most:
        line = f"{line[:most]}… (+{len(line) - most} characters)"
    if line.isascii() and line.isprintable():
        return line
    marks = 0
    drawn: list[str] = []
    for character in line:
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks <= _MOST_MARKS:
            drawn.append(_visible(character))
    return "".join(drawn)


def cut(text: str, width: int) -> str:
    """Return text that is at most `width` cells wide; an ellipsis stands for what is cut off."""
    if width <= 0:
        return ""
    if (len(text) <= width and text.isascii()) or cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1).rstrip() + "…"


def fit(text: str, width: int, right: bool = False) -> str:
    """Return text of exactly `width` cells: cut or padded, at the left where `right`."""
    text = cut(text, width)
    gap = " " * (width - (len(text) if text.isascii() else cell_len(text)))
    return gap + text if right else text + gap


def _visible(character: str) -> str:
    if character in "\t\n\r":
        return " "
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)  # the control pictures: ␛ for an escape
    if code == 0x7F:
        return "␡"
    if character == " " or character.isprintable():
        return character
    # separators such as U+00A0 and U+3000 are spaces; C1, bidi, zero-width and lone surrogates are not
    return " " if unicodedata.category(character) == "Zs" else "\N{REPLACEMENT CHARACTER}"
