"""`python -m imprint.commands` is `imprint`."""

from . import main

main()
