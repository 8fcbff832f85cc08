"""The embedded PostgreSQL: start, stop, status. Knows no Django."""
