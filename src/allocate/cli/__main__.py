"""`python -m allocate.cli`: the command line."""

import sys

from allocate.cli import main

if __name__ == "__main__":
    sys.exit(main())
