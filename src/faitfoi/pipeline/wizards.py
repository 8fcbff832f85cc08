"""The settings of a channel as a person gives them on a page: one shape for all channels, each field judged by itself.

A channel's own file (`chorus_wizard`, `pa_wizard`, `relay_wizard`) says its fields in the words of whoever fills them
in; `wizard_list` has them all. What is refused is told field by field: value and remedy. Secrets are never shown again:
a page knows only whether one is kept, and one that is kept never follows its account to another address.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from urllib.parse import urlsplit

from faitfoi.accounts.models import ChannelKey, Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.channels.smtp_mail_message import plain_address
from faitfoi.pipeline.connections import Trial
from faitfoi.pipeline.outside import leads_inside, leads_to_this_machine
from faitfoi.pipeline.setting_up import CannotSetUp
from faitfoi.records.vault import VaultClosed, channel_settings

LONGEST = 500
"""Characters of one setting: a client secret of today has 40 to 200."""
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_NAME = re.compile(rf"(?=.{{1,253}}$){_LABEL}(?:\.{_LABEL})*")


class Kind(Enum):
    """What a field takes."""

    TEXT = auto()
    ASCII = auto()
    """Letters, digits and signs without accent: what travels in a header."""
    SECRET = auto()
    ADDRESS = auto()
    """A web address, https:// but for this machine."""
    PATH = auto()
    HOST = auto()
    DOMAIN = auto()
    MAILBOX = auto()
    NUMBER = auto()
    CHOICE = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One setting: a choice has `options`, a number goes from 1 to `most`; what is not `wanted` may stay empty.

    `usual` is what stands there before anybody has chosen; `also` names values that may stay but not be chosen.
    `account` names the settings that say to whom a secret goes: it is asked for again when one of them changes.
    """

    name: str
    label: str
    help: str = ""
    kind: Kind = Kind.TEXT
    wanted: bool = False
    usual: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    also: Mapping[str, str] = field(default_factory=dict)
    most: int = 0
    account: tuple[str, ...] = ()

    @property
    def secret(self) -> bool:
        """Whether it is never shown again."""
        return self.kind is Kind.SECRET

    def read(self, kept: str) -> str:
        """Return a kept value as the page has it: the usual one for none, a choice as it is written here."""
        for option in self.options:
            if kept.lower() == option.lower() or kept.startswith(f"{option}."):
                return option
        return kept or self.usual


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Fields that belong together; a `rare` part is closed until somebody opens it."""

    title: str
    fields: tuple[Field, ...]
    help: str = ""
    rare: bool = False


def _nothing_wrong(_: Mapping[str, str]) -> dict[str, str]:
    return {}


def _as_they_are(values: dict[str, str]) -> dict[str, str]:
    return values


@dataclass(frozen=True, slots=True, kw_only=True)
class Wizard:
    """What a channel wants to know. `together` says what is wrong with values that are each right, by field.

    `to_fields` reads kept settings as fields, `to_settings` fields as settings, where the two differ; `steps` are what
    to do first, elsewhere; `patience` holds a trial made while somebody waits to a shorter time than a sending;
    `rehearse` sends something to whoever sets it up, at the address given, where that can be done.
    """

    channel: ChannelKey
    parts: tuple[Part, ...]
    steps: tuple[str, ...] = ()
    patience: dict[str, str] = field(default_factory=dict)
    to_fields: Callable[[dict[str, str]], dict[str, str]] = _as_they_are
    to_settings: Callable[[dict[str, str]], dict[str, str]] = _as_they_are
    together: Callable[[Mapping[str, str]], dict[str, str]] = _nothing_wrong
    rehearse: Callable[[Organisation, dict[str, str], str], Trial] | None = None

    @property
    def fields(self) -> tuple[Field, ...]:
        """All fields, in the order of the page."""
        return tuple(each for part in self.parts for each in part.fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """What is kept today: the fields by name, without secrets, and the names of the secrets that there are."""

    configured: bool
    values: Mapping[str, str]
    kept: frozenset[str]


def present_values(channel: ChannelKey) -> dict[str, str]:
    """The settings kept today; none when there are none, or when the key does not open them. Inside `acting_for`."""
    try:
        return channel_settings(channel) or {}
    except VaultClosed:
        return {}


def present(wizard: Wizard) -> Present:
    """Tell what is kept, without any secret. Runs inside `acting_for`."""
    settings = present_values(wizard.channel)
    told = wizard.to_fields(dict(settings))
    return Present(
        configured=bool(settings),
        values={each.name: each.read(told.get(each.name, "")) for each in wizard.fields if not each.secret},
        kept=frozenset(each.name for each in wizard.fields if each.secret and settings.get(each.name)),
    )


def read_given(
    wizard: Wizard, organisation: Organisation, given: Mapping[str, str], *, forget: Collection[str] = ()
) -> dict[str, str]:
    """Return the whole settings that the fields given make of those kept. Raises CannotSetUp, field by field.

    A field that is not given stays as it is; so does a secret left empty, unless it is to be forgotten or its account
    leads elsewhere now. An address of this machine or of a private network is not taken from a page, but stays where
    it is kept: only whoever runs the installation opens its own network. Call it outside any transaction.
    """
    with acting_for(organisation.id):
        settings = present_values(wizard.channel)
    before = wizard.to_fields(dict(settings))
    after = dict(before)
    problems: dict[str, str] = {}
    for each in wizard.fields:
        if each.secret or each.name not in given:
            continue
        value = after[each.name] = given[each.name].strip()
        stays = value and value == each.read(before.get(each.name, ""))
        if problem := "" if stays else _problem(each, value) or _inner(each, value, organisation):
            problems[each.name] = problem
    unsure = bool(problems)  # where the account leads is not known yet: what is kept may still serve
    after = after if unsure else wizard.to_settings(after)
    for each in wizard.fields:
        if each.secret:
            typed, kept = given.get(each.name, ""), settings.get(each.name, "")
            moved = not unsure and any(after.get(name, "") != settings.get(name, "") for name in each.account)
            after[each.name] = typed or ("" if moved or each.name in forget else kept)
            if problem := _secret_problem(
                each, typed, missing=not after[each.name], moved=bool(kept and moved) and each.name not in forget
            ):
                problems[each.name] = problem
    problems = problems or wizard.together(after)
    if problems:
        raise CannotSetUp(next(iter(problems.values())), problems=problems)
    return {name: value for name, value in after.items() if value}


def _secret_problem(each: Field, typed: str, *, missing: bool, moved: bool) -> str:
    if len(typed) > LONGEST or not typed.isprintable():
        return "Ce secret est trop long ou contient un retour à la ligne : recopiez-le seul, sans rien autour."
    if missing and (each.wanted or moved):
        other = " Un secret d’un autre compte ou d’un autre environnement ne sert pas ici." if moved else ""
        return f"Ce secret est à remplir : saisissez celui que l’on vous a donné.{other}"
    return ""


def _problem(each: Field, value: str) -> str:
    """Say in French what is wrong with a value and what to give instead; empty when it serves."""
    if not value:
        return "C’est à remplir : rien ne peut partir sans cela." if each.wanted else ""
    shown = _shown(value)
    if len(value) > LONGEST or not value.isprintable():
        return f"« {shown} » est trop long ou contient un retour à la ligne : recopiez la valeur seule."
    return _PROBLEMS[each.kind](each, value, shown)


def _ascii_problem(_: Field, value: str, shown: str) -> str:
    if value.isascii():
        return ""
    return f"« {shown} » contient un accent ou un signe qui ne voyage pas : recopiez l’identifiant tel qu’il est donné."


def _address_problem(_: Field, value: str, shown: str) -> str:
    example = "écrivez-la en entier, par exemple https://api.plateforme.example"
    try:
        parts = urlsplit(value)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        return f"« {shown} » n’est pas une adresse web : {example}."
    if parts.username or parts.password:
        return "Cette adresse contient un mot de passe : retirez-le, les identifiants se donnent à part."
    if parts.scheme == "http" and not leads_to_this_machine(host):
        return f"« {shown} » n’est pas chiffrée : donnez l’adresse qui commence par https://."
    if parts.scheme not in {"http", "https"} or not _is_host(host) or parts.fragment or " " in value:
        return f"« {shown} » n’est pas une adresse web : {example}."
    if "." not in host and not leads_to_this_machine(host):
        return f"« {shown} » n’a pas de nom complet : {example}."
    return ""


def _path_problem(_: Field, value: str, shown: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9._~/-]+", value) and ".." not in value:
        return ""
    return f"« {shown} » n’est pas la fin d’une adresse : donnez des mots séparés par des barres, par exemple v1/flows."


def _host_problem(_: Field, value: str, shown: str) -> str:
    if _is_host(value):
        return ""
    return (
        f"« {shown} » n’est pas un nom de serveur : donnez-le sans rien autour, par exemple smtp.fournisseur.example."
    )


def _mailbox_problem(_: Field, value: str, shown: str) -> str:
    try:
        plain_address(value)
    except ValueError:
        return f"« {shown} » n’est pas une adresse électronique : donnez-en une de la forme nom@domaine."
    return ""


def _number_problem(each: Field, value: str, shown: str) -> str:
    if value.isascii() and value.isdigit() and len(value) < 7 and 1 <= int(value) <= each.most:
        return ""
    return f"« {shown} » ne va pas : donnez un nombre entier, de 1 à {each.most}."


def _choice_problem(each: Field, value: str, shown: str) -> str:
    if value in each.options:
        return ""
    return f"« {shown} » n’est pas un choix d’ici : choisissez parmi {', '.join(each.options)}."


_PROBLEMS: Mapping[Kind, Callable[[Field, str, str], str]] = {
    Kind.TEXT: lambda _field, _value, _shown: "",
    Kind.ASCII: _ascii_problem,
    Kind.ADDRESS: _address_problem,
    Kind.PATH: _path_problem,
    Kind.HOST: _host_problem,
    Kind.DOMAIN: _host_problem,
    Kind.MAILBOX: _mailbox_problem,
    Kind.NUMBER: _number_problem,
    Kind.CHOICE: _choice_problem,
}


def _inner(each: Field, value: str, organisation: Organisation) -> str:
    if each.kind not in {Kind.ADDRESS, Kind.HOST} or not value:
        return ""
    host = (urlsplit(value).hostname or "") if each.kind is Kind.ADDRESS else value
    if not leads_inside(host) or (organisation.demonstration and leads_to_this_machine(host)):
        return ""
    return (
        f"« {_shown(value)} » mène dans le réseau de cette installation, qu’une page n’ouvre pas : donnez une adresse "
        "publique, ou demandez à la personne qui gère cette installation de régler ce canal (« faitfoi channel set »)."
    )


def _is_host(host: str) -> bool:
    if ":" in host:  # an address of IPv6, whose form the system judges
        return bool(re.fullmatch(r"[0-9A-Fa-f:.]{2,45}", host))
    try:
        return bool(_NAME.fullmatch(plain_address(f"x@{host}").removeprefix("x@")))
    except ValueError:
        return False


def _shown(value: str) -> str:
    """A value as a sentence quotes it: short, on one line."""
    line = "".join(each if each.isprintable() else " " for each in value)
    return f"{line[:80]}…" if len(line) > 80 else line
