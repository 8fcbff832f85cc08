"""What a mutation is, and the register of them all: each turns one document into one that is slightly wrong.

A mutation is a function of a `Tree` that changes it in place and says whether it could. Everything random comes from
the tree's dice, so a seed always gives the same mutants.
"""

from collections.abc import Callable
from typing import Final

from tests.conformance.tree import Tree

Change = Callable[[Tree], bool]

MUTATIONS: Final[dict[str, Change]] = {}
"""Every kind of mutation, by its name in words."""


def mutation(change: Change) -> Change:
    """Register a kind of mutation under its function's name."""
    return register(change.__name__.replace("_", " "), change)


def register(name: str, change: Change) -> Change:
    """Register a kind of mutation under a name."""
    if name in MUTATIONS:
        raise ValueError(f"two mutations are called {name}")
    MUTATIONS[name] = change
    return change
