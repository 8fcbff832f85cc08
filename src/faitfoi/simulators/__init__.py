"""The other side of every channel, as real loopback servers with faults."""
