"""What the simulators have received, over all runs: the only witness of what was lost or doubled."""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from faitfoi.accounts.models import ChannelKey, Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.cli.supervisor import control
from faitfoi.records.models import Delivery
from faitfoi.records.stages import Stage

LEFT = frozenset({Stage.SENT, Stage.ACCEPTED, Stage.DELIVERED, Stage.RETURNED, Stage.REJECTED})
"""Stages that say "it has left": the other side must have it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What the other side's records say against ours: deliveries we call sent that it never had; what it had twice."""

    lost: int
    doubled: int


class Witness:
    """Gathers the simulators' records into a file of the installation, since simulators forget when they stop."""

    def __init__(self, path: Path, *, smtp_control: str, chorus_control: str, pa_control: str) -> None:
        self._path = path
        self._smtp, self._chorus, self._pa = smtp_control, chorus_control, pa_control
        self._earlier: Counter[str] = Counter()
        if path.exists():
            self._earlier.update(json.loads(path.read_text()))

    def gather(self) -> Counter[str]:
        """Return how many times each thing has arrived over all runs, and keep it on disk."""
        seen = self._earlier + received(self._smtp, self._chorus, self._pa)
        draft = self._path.with_suffix(".tmp")
        draft.write_text(json.dumps(seen, sort_keys=True))
        draft.replace(self._path)
        return seen

    def account(self, organisations: list[Organisation]) -> Account:
        """Hold every delivery against what the other side has."""
        seen = self.gather()
        lost = 0
        for organisation in organisations:
            with acting_for(organisation.id):
                left = Delivery.objects.filter(stage__in=LEFT).select_related("document")
                lost += sum(seen[name_of(delivery, organisation)] == 0 for delivery in left)
        return Account(lost=lost, doubled=sum(times - 1 for times in seen.values() if times > 1))


def received(smtp_control: str, chorus_control: str, pa_control: str) -> Counter[str]:
    """Count what the simulators hold now, each thing by its name."""
    mails = json.loads(control(smtp_control, "records"))["messages"]
    deposits = json.loads(control(chorus_control, "records"))["deposits"]
    names = [f"mail:{mail['message_id'].strip('<>').partition('@')[0]}" for mail in mails]
    names += [f"chorus:{deposit['supplier'][:9]}:{number}" for deposit in deposits for number in [deposit["number"]]]
    flows = json.loads(control(pa_control, "records"))["deposits"]
    names += [f"pa:{flow['seller']}:{flow['number']}" for flow in flows]
    return Counter(names)


def name_of(delivery: Delivery, organisation: Organisation) -> str:
    """Return the name by which the other side knows a delivery."""
    if delivery.channel == ChannelKey.CHORUS_PRO:
        return f"chorus:{organisation.siren}:{delivery.document.number}"
    if delivery.channel == ChannelKey.PLATEFORME_AGREEE:
        return f"pa:{organisation.siren}:{delivery.document.number}"
    return f"mail:{delivery.message_ref}"
