"""Send it: one file per wire contract (send, find, poll, read_event)."""
