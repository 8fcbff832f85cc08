"""Our axis of a delivery's life: the stages, and which may follow which.

What the other side says (200 Déposée, IN_INTEGRE, DSN 5.1.1 …) is the other axis and is kept as events, verbatim.
"""

from django.db import models


class Stage(models.TextChoices):
    """Where a delivery stands, as far as we are concerned."""

    ROUTED = "routed", "à envoyer"
    SENDING = "sending", "envoi en cours"
    SENT = "sent", "envoyée"
    ACCEPTED = "accepted", "acceptée"
    DELIVERED = "delivered", "remise"
    RETURNED = "returned", "revenue"
    REJECTED = "rejected", "rejetée"
    TO_FIND = "to_find", "à retrouver"
    UNKNOWN = "unknown", "sort inconnu"
    TO_FIX = "to_fix", "à corriger"
    HELD = "held", "en attente"


ALLOWED: dict[Stage, frozenset[Stage]] = {
    Stage.ROUTED: frozenset({Stage.SENDING}),
    # Back to ROUTED only for what certainly was not sent; a lost answer goes to TO_FIND.
    Stage.SENDING: frozenset({Stage.SENT, Stage.ACCEPTED, Stage.ROUTED, Stage.TO_FIX, Stage.TO_FIND, Stage.HELD}),
    Stage.TO_FIND: frozenset(
        {Stage.SENT, Stage.ROUTED, Stage.UNKNOWN, Stage.ACCEPTED, Stage.DELIVERED, Stage.RETURNED, Stage.REJECTED}
    ),
    # UNKNOWN when they say that they have the number already, and nothing shows that it is ours.
    Stage.SENT: frozenset({Stage.UNKNOWN, Stage.ACCEPTED, Stage.DELIVERED, Stage.RETURNED, Stage.REJECTED}),
    Stage.ACCEPTED: frozenset({Stage.DELIVERED, Stage.RETURNED, Stage.REJECTED}),
    Stage.DELIVERED: frozenset({Stage.RETURNED, Stage.REJECTED}),
    # News may settle what nobody could tell: a bounce or a delivery report for a message whose answer was lost.
    # Or a person does: it has arrived, or it is to be asked about again.
    Stage.UNKNOWN: frozenset(
        {Stage.TO_FIND, Stage.SENT, Stage.ACCEPTED, Stage.DELIVERED, Stage.RETURNED, Stage.REJECTED}
    ),
    Stage.TO_FIX: frozenset({Stage.ROUTED}),
    Stage.HELD: frozenset({Stage.ROUTED}),
    Stage.RETURNED: frozenset(),
    Stage.REJECTED: frozenset(),
}

ON_THE_WAY = frozenset({Stage.SENT, Stage.ACCEPTED, Stage.TO_FIND, Stage.UNKNOWN, Stage.DELIVERED})
SETTLED = frozenset({Stage.DELIVERED, Stage.RETURNED, Stage.REJECTED, Stage.UNKNOWN, Stage.TO_FIX, Stage.HELD})


class Purpose(models.TextChoices):
    """Why an artefact travels: the invoice itself, word that it exists, or a copy marked COPIE."""

    LEGAL = "legal", "facture"
    NOTICE = "notice", "avis"
    COPY = "copy", "copie"


class ArtefactRole(models.TextChoices):
    """Which rendering of a document an artefact is."""

    ORIGINAL = "original", "original reçu"
    LEGAL = "legal", "original scellé"
    CHORUS = "chorus", "version Chorus Pro"
    FLOW = "flow", "version pour la plateforme agréée"
    COPY = "copy", "copie"


class LineOutcome(models.TextChoices):
    """What became of one file of a batch. received = ready + needs_someone + refused, once none is waiting."""

    WAITING = "waiting", "en attente"
    READY = "ready", "prête"
    NEEDS_SOMEONE = "needs_someone", "attend quelqu’un"
    REFUSED = "refused", "refusée"


class NoticeWish(models.TextChoices):
    """Whether a customer is told by mail that its invoice lies on a platform; empty: as the organisation says."""

    USUAL = "", "comme votre organisation"
    EMAIL = "email", "par e-mail"
    NONE = "none", "aucun avis"


class GroupingWish(models.TextChoices):
    """What travels in one mail to a customer; empty: as the channel's settings say."""

    USUAL = "", "comme votre organisation"
    INVOICE = "invoice", "un courriel par facture"
    CUSTOMER = "customer", "un courriel par envoi"


class Nature(models.TextChoices):
    """What a customer is before the law; with the seller's start date it decides the lawful channels."""

    PUBLIC = "public", "secteur public"
    TAXABLE = "taxable", "assujetti à la TVA en France"
    NOT_TAXABLE = "not_taxable", "non assujetti"
    CONSUMER = "consumer", "particulier"
    FOREIGN = "foreign", "établi à l’étranger"
