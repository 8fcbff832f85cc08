"""Know it: the EN 16931 invoice, its syntaxes, rules and readable copy. Pure: values in, values out."""
