"""In which colours is the app drawn? Four themes of its own; nothing it says depends on colour alone."""

from __future__ import annotations

from textual.theme import Theme

_DARK_KEYS = {
    "footer-key-foreground": "#8fd3ff",
    "input-selection-background": "#4f9fd0 45%",
    "block-cursor-text-style": "none",
}

DARK = Theme(
    name="regnet-dark",
    primary="#4f9fd0",
    secondary="#7fb8a4",
    warning="#e3b341",
    error="#ff7b72",
    success="#7ee08a",
    accent="#8fd3ff",
    foreground="#e0e4e8",
    background="#14181d",
    surface="#1a1f26",
    panel="#252c35",
    dark=True,
    variables=_DARK_KEYS,
)

LIGHT = Theme(
    name="regnet-light",
    primary="#0b5c8f",
    secondary="#2f6b57",
    warning="#8a5a00",
    error="#b3261e",
    success="#1c6b2a",
    accent="#0b5c8f",
    foreground="#1b1f24",
    background="#fbfbfa",
    surface="#f2f2ef",
    panel="#dfe3e6",
    dark=False,
    variables={"footer-key-foreground": "#0b5c8f", "block-cursor-text-style": "none"},
)

HIGH_CONTRAST = Theme(
    name="high-contrast",
    primary="#00d7ff",
    secondary="#ffffff",
    warning="#ffff00",
    error="#ff8787",
    success="#5fff5f",
    accent="#ffff00",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#303030",
    dark=True,
    text_alpha=1.0,
    variables={"footer-key-foreground": "#ffff00", "block-cursor-text-style": "bold"},
)

ANSI = Theme(
    name="ansi",
    ansi=True,
    primary="ansi_blue",
    secondary="ansi_cyan",
    warning="ansi_yellow",
    error="ansi_red",
    success="ansi_green",
    accent="ansi_cyan",
    foreground="ansi_default",
    background="ansi_default",
    surface="ansi_default",
    panel="ansi_default",
    boost="ansi_default",
    dark=True,
    variables={
        "ansi-background": "ansi_black",
        "ansi-foreground": "ansi_white",
        "border-blurred": "ansi_bright_black",
        "block-cursor-foreground": "ansi_black",
        "block-cursor-background": "ansi_white",
        "input-cursor-background": "ansi_white",
        "input-cursor-foreground": "ansi_black",
        "input-cursor-text-style": "none",
        "input-selection-background": "ansi_bright_blue",
        "input-selection-foreground": "ansi_black",
        "footer-key-foreground": "ansi_cyan",
    },
)

THEMES = {theme.name: theme for theme in (DARK, LIGHT, HIGH_CONTRAST, ANSI)}


def theme_for(asked: str, remembered: object, colour_system: str | None, no_colour: bool) -> str:
    """Return the theme to start with: the one asked for, else one that the terminal can show.

    Of those it can, the one that was `remembered` from an earlier choice is taken.

    `colour_system` is Rich's word for what the terminal has: ``standard`` is 16 colours, None is none.
    """
    if asked:
        return asked
    if no_colour or colour_system in (None, "standard"):
        return ANSI.name
    return remembered if isinstance(remembered, str) and remembered in THEMES else DARK.name
