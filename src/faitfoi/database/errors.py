"""What goes wrong with the embedded PostgreSQL, said so that a person can act on it."""


class DatabaseUnavailable(Exception):
    """The embedded PostgreSQL cannot serve. `reason` is a French sentence: what happened, where, what to do."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
