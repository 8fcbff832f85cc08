"""Know it: the EN 16931 invoice, its syntaxes, rules and readable copy. Pure: bytes and values in, values and bytes out."""
