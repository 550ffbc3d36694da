"""``python -m regnet`` is the command ``regnet``."""

import sys

from regnet.cli import main

if __name__ == "__main__":
    sys.exit(main())
