"""What does ``python -m regnet_tui`` do? It starts the app."""

from __future__ import annotations

import sys

from regnet_tui.app import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
