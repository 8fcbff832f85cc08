"""The command line; the library's commands work without the server extra."""
