"""How fast mail may leave and what travels together, as the settings of the channel say it; pure.

| name | what | if absent |
|---|---|---|
| `pace` | messages a minute from this sender | as fast as the relay takes them |
| `pace_domain` | messages a minute to any one domain | no limit of its own |
| `pace_domains` | other figures for some: `grand-fournisseur.example=20 autre.example=5` | |
| `grouping` | `invoice`: one mail each; `customer`: one per customer and run | `invoice` |
| `grouping_megabytes` | most of joined files in one mail, 1 to 30 | 7 |
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from faitfoi.channels.contract import Together

MOST_TOGETHER = 20
MOST_A_MINUTE = 60_000
FIRST_SLOW = timedelta(seconds=5)
SLOWEST = timedelta(minutes=10)
MOST_SLOWED = 8
FORGIVEN_AFTER = timedelta(minutes=10)
"""One degree of slowness is taken back each time that so long has passed without a complaint."""
_PAIR = re.compile(r"([a-z0-9-]+(?:\.[a-z0-9-]+)+)=([0-9]{1,5})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Time between two messages: from the sender, to any domain, to some domains; None where nothing is asked."""

    sender: timedelta | None = None
    any_domain: timedelta | None = None
    domains: Mapping[str, timedelta] = field(default_factory=dict)

    def to(self, domain: str) -> timedelta | None:
        """The time between two messages to this domain."""
        return self.domains.get(domain.lower(), self.any_domain)


def still_slowed(slowed: int, since: datetime | None, *, now: datetime) -> int:
    """Return the degree of slowness that is left of one reached then; 0 when all is forgiven."""
    if since is None:
        return 0
    return max(0, min(slowed, MOST_SLOWED) - max(0, (now - since) // FORGIVEN_AFTER))


def slow_between(slowed: int) -> timedelta:
    """Return the time between two messages at a degree of slowness: twice as long each time, `SLOWEST` at most."""
    return min(FIRST_SLOW * (1 << (min(slowed, MOST_SLOWED) - 1)), SLOWEST) if slowed > 0 else timedelta(0)


def read_together(settings: Mapping[str, str]) -> Together:
    """Read what the settings above say of documents of one customer and run that share a message.

    Raises ValueError with a French sentence naming the setting to mend."""
    asked = settings.get("grouping", "").strip() or "invoice"
    if asked not in {"invoice", "customer"}:
        raise ValueError(f"Réglages du courrier : grouping vaut « {asked[:20]} » ; choisissez invoice ou customer.")
    most = settings.get("grouping_megabytes", "").strip() or "7"
    if not re.fullmatch(r"[0-9]{1,2}", most) or not 1 <= int(most) <= 30:
        raise ValueError(f"Réglages du courrier : grouping_megabytes vaut « {most[:20]} » ; indiquez de 1 à 30.")
    return Together(documents=MOST_TOGETHER, size=int(most) * 1_000_000, asked=asked == "customer")


def read_pace(settings: Mapping[str, str]) -> Pace:
    """Read the settings above. Raises ValueError with a French sentence naming the setting to mend."""
    domains = {}
    for item in settings.get("pace_domains", "").lower().split():
        pair = _PAIR.fullmatch(item)
        if pair is None:
            raise ValueError(
                f"Réglages du courrier : pace_domains contient « {item[:80]} » ; écrivez domaine=messages par minute."
            )
        domains[pair.group(1)] = _between("pace_domains", pair.group(2))
    return Pace(sender=_asked(settings, "pace"), any_domain=_asked(settings, "pace_domain"), domains=domains)


def _asked(settings: Mapping[str, str], name: str) -> timedelta | None:
    given = settings.get(name, "").strip()
    return _between(name, given) if given else None


def _between(name: str, given: str) -> timedelta:
    if not re.fullmatch(r"[0-9]{1,5}", given) or not 1 <= int(given) <= MOST_A_MINUTE:
        raise ValueError(
            f"Réglages du courrier : {name} vaut « {given[:20]} » ; indiquez 1 à {MOST_A_MINUTE} messages par minute."
        )
    return timedelta(minutes=1) / int(given)
