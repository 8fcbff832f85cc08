"""When part of the journal is lost for good: the gap is written, its numbers stay burnt, and another epoch begins.

An epoch is another name of the log (`…/2`): witnesses take it as a log that they have not seen, told by its operator.
Entries keep their places; what is left of the former epoch is under the new one's checkpoints too.
"""

import json
import re
from uuid import UUID

from faitfoi.accounts.models import Organisation
from faitfoi.accounts.tenancy import directory
from faitfoi.evidence.witness_held import write_whole
from faitfoi.pipeline.restore_files import CannotRestore, restores
from faitfoi.pipeline.witnesses import forget_keys, journal_folder, log_signer
from faitfoi.records.models import JournalEntry

GAP = "gap"
MOST_DIGITS = 5
_COUNTER = re.compile(r"(.*?)([0-9]{1,18})", re.DOTALL)


def next_origin() -> str:
    """The name of the epoch after the present one."""
    origin = log_signer().name
    base, _, number = origin.rpartition("/")
    if base and number.isdecimal() and len(number) <= MOST_DIGITS:
        return f"{base}/{int(number) + 1}"
    return f"{origin}/2"


def former_origins() -> list[str]:
    """The names of the epochs before the present one, the latest first; none when there was no gap."""
    base, _, number = log_signer().name.rpartition("/")
    if not base or not number.isdecimal() or len(number) > MOST_DIGITS:
        return []
    return [f"{base}/{each}" for each in range(int(number) - 1, 1, -1)] + [base]


def begin_epoch(origin: str) -> None:
    """Give the log its next name, once the gap is written. The same again changes nothing."""
    if log_signer().name != origin:
        write_whole(restores() / GAP, b"")
        write_whole(journal_folder() / "origin", origin.encode())
        forget_keys()


def read_burnt(lines: list[str]) -> dict[str, list[str]]:
    """Numbers known to have been used, by organisation's id, from lines `organisation;SIREN;year;number`.

    Raises CannotRestore for a line that is not one, or an organisation that is not here.
    """
    with directory():
        known = {slug: str(key) for slug, key in Organisation.objects.values_list("slug", "id")}
    burnt: dict[str, list[str]] = {}
    for number, line in enumerate(filter(str.strip, lines), start=1):
        parts = [part.strip() for part in line.split(";")]
        if len(parts) != 4 or parts[0] not in known or not parts[2].isdecimal():
            raise CannotRestore(f"Ligne {number} : « {line[:80]} ». Écrivez organisation;SIREN;année;numéro.")
        burnt.setdefault(known[parts[0]], []).append("/".join(parts[1:]))
    return burnt


def lost_number(organisation_id: UUID, *, seller_siren: str, year: int, number: str) -> bool:
    """Whether a number was used in a part of the journal that is lost. Runs inside `acting_for`."""
    if not (restores() / GAP).exists():
        return False
    bodies = JournalEntry.objects.filter(organisation_id=organisation_id, kind=GAP).values_list("body", flat=True)
    told = [json.loads(body) for body in bodies]
    if any(f"{seller_siren}/{year}/{number}" in each["numbers"] for each in told):
        return True
    return any(
        _not_after(number, last)
        for each in told
        for siren, its_year, _, _, last in (str(mark).split("/", 4) for mark in each.get("marks", []))
        if (siren, its_year) == (seller_siren, str(year))
    )


def _not_after(number: str, last: str) -> bool:
    """Whether a number may be one of those before `last` that nobody can name any more: same letters, not higher."""
    if number == last:
        return True
    ours, marked = _COUNTER.fullmatch(number), _COUNTER.fullmatch(last)
    return ours is not None and marked is not None and ours[1] == marked[1] and int(ours[2]) <= int(marked[2])
