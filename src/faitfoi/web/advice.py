"""What to tell a person whom a delivery waits for: who can act, what to do. What happened is the event's reason."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from faitfoi.accounts.models import ChannelKey
from faitfoi.records.models import Delivery
from faitfoi.records.stages import Purpose, Stage
from faitfoi.web import words

RETRIABLE = frozenset({Stage.HELD, Stage.TO_FIX})
"""Stages of what certainly was not sent: only these may be sent again without asking anybody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """One person's task: `who` can act, `do` what; `retry` offers to send again, `record` to open the customer's."""

    who: str
    do: str
    retry: bool = False
    record: bool = False


def advise(delivery: Delivery, *, number: str, email: str = "") -> Advice | None:
    """Return what a person must do about a delivery, or None when it needs nobody.

    `email` is the customer's present address: what is sent again by e-mail goes there.
    """
    match Stage(delivery.stage):
        case Stage.UNKNOWN:
            return _unknown(delivery, number)
        case Stage.HELD:
            return Advice(
                who=_("Whoever manages the settings of this channel."),
                do=_("Put right what the message says (connection, identifiers, quota), then press the button."),
                retry=True,
            )
        case Stage.TO_FIX:
            return _to_fix(delivery, email or delivery.address)
        case Stage.RETURNED if delivery.purpose != Purpose.LEGAL:
            return Advice(
                who=_("You, with the customer."),
                do=_(
                    "Only this message is missing: the invoice itself goes its own way. Ask the customer for an "
                    "address that works and correct the customer’s record."
                ),
                record=True,
            )
        case Stage.RETURNED:
            return Advice(
                who=_("You, with the customer."),
                do=_(
                    "If the address is at fault, ask the customer for one that works and correct the customer’s "
                    "record. As long as the invoice is not delivered, let them know by another way."
                ),
                record=True,
            )
        case Stage.REJECTED:
            return _rejected(delivery, number)
        case _:
            return None


def _unknown(delivery: Delivery, number: str) -> Advice:
    if delivery.channel == ChannelKey.CHORUS_PRO:
        return Advice(
            who=_("Whoever has access to Chorus Pro."),
            do=_(
                "Look for %(number)s in Chorus Pro, among the invoices issued. If it is there, leave everything as "
                "it is: it has arrived. Do not deposit it a second time before you have looked."
            )
            % {"number": number},
        )
    if delivery.channel == ChannelKey.PLATEFORME_AGREEE:
        return Advice(
            who=_("Whoever has access to your plateforme agréée."),
            do=_(
                "Look for %(number)s at your plateforme agréée, among the flows that you sent. If it is there, say so: "
                "it has arrived. Do not hand it over a second time before you have looked."
            )
            % {"number": number},
        )
    if delivery.channel != ChannelKey.EMAIL:
        told = {"number": number, "channel": words.CHANNELS[delivery.channel]}
        return Advice(
            who=_("Whoever has access to the channel “%(channel)s”.") % told,
            do=_(
                "Look for %(number)s on the other side of the channel “%(channel)s”. If it is there, say so: it has "
                "arrived. Do not hand it over a second time before you have looked."
            )
            % told,
        )
    return Advice(
        who=_("You, with the customer: nobody else can tell any more."),
        do=_(
            "Ask %(address)s whether the message with %(number)s has arrived. Do not send it again before the answer: "
            "the customer would get it twice. A delivery report or a bounce that comes later settles it by itself."
        )
        % {"address": delivery.address, "number": number},
    )


def _to_fix(delivery: Delivery, address: str) -> Advice:
    who = _("You: it certainly was not sent.")
    if delivery.channel != ChannelKey.EMAIL:
        return Advice(who=who, do=_("Correct what the answer names, then press the button."), retry=True)
    do = _(
        "Put right what the answer says (a wrong address in the customer’s record, a full mailbox, a message too "
        "heavy…), then press the button: it leaves again for the address of the record, today %(address)s."
    ) % {"address": address}
    return Advice(who=who, do=do, retry=True, record=True)


def _rejected(delivery: Delivery, number: str) -> Advice:
    if delivery.channel == ChannelKey.CHORUS_PRO:
        do = _(
            "A rejected invoice cannot be corrected in Chorus Pro. Correct the cause in your invoicing software, "
            "cancel %(number)s there by a credit note if it is booked, and issue a new invoice under a new number."
        ) % {"number": number}
    elif delivery.channel == ChannelKey.PLATEFORME_AGREEE:
        do = _(
            "Correct the cause in your invoicing software and cancel %(number)s in your books by a credit note that "
            "names it: Faitfoi keeps it and sends it to nobody. Then issue a new invoice under a new number."
        ) % {"number": number}
    else:
        do = _(
            "Read the reason with the customer, then correct it by a credit note and a new invoice under a new number."
        )
    return Advice(who=_("You, in your invoicing software."), do=do)
