"""``regnet tui``: start the terminal app."""

from __future__ import annotations

import argparse
import subprocess
import sys
from typing import Any

from regnet.cli.arguments import add_data_option


def add_parser(subparsers: Any) -> None:
    """Add the command ``tui``."""
    parser = subparsers.add_parser("tui", description="Start the terminal app (as regnet-tui does).")
    add_data_option(parser)
    parser.set_defaults(func=start)


def start(options: argparse.Namespace) -> int:
    """Start the app as a program of its own (the engine never imports it) and return its exit code."""
    words = [sys.executable, "-m", "regnet_tui"]
    if options.data:
        words += ["--data", options.data]
    return subprocess.run(words, check=False).returncode
