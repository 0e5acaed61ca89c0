"""Each table of a package in another format, and all of them in one file."""
