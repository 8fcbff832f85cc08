"""Who did what, read back from the journal as a page names them."""

from collections.abc import Iterable, Mapping

from faitfoi.accounts.models import User
from faitfoi.evidence.leaves import read_canonical

OPERATOR = "l’exploitant"
"""Who the journal names otherwise than as a user: whoever runs the installation, or the program itself."""
_USER = "user:"


def read_facts(body: str) -> Mapping[str, object]:
    """Return what an entry of the journal says, by name; nothing of one that says nothing by name."""
    entry = read_canonical(body.encode())
    return entry if isinstance(entry, dict) else {}


def names_of(actors: Iterable[str]) -> dict[str, str]:
    """Return the name of each actor that entries name; who is nobody's account any more is the operator."""
    wanted = set(actors)
    ids = [actor.removeprefix(_USER) for actor in wanted if actor.startswith(_USER)]
    known = {f"{_USER}{user.pk}": str(user) for user in User.objects.filter(pk__in=ids)}
    return {actor: known.get(actor, OPERATOR) for actor in wanted}
