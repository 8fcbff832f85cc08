"""The only place where XML bytes become a tree. What it refuses cannot reach any other part of the code."""

import re

from lxml import etree

MAX_XML_BYTES = 32 * 1024 * 1024
"""The largest XML read. Chorus Pro takes flows up to 10 MB; attachments in base64 may triple a model's size."""

MAX_XML_MARKS = 1_000_000
"""The most tags read: an invoice of 10,000 lines has fewer. An empty element takes fifty times its bytes in a tree."""

MAX_LINES = 20_000
"""The most invoice lines read: each has its findings, so that more wrong ones would take longer than a person waits."""

# Every other encoding could hide what is counted, and no invoice is written in them.
_ENCODING = re.compile(rb"""<\?xml[^>]{0,100}?encoding\s*=\s*["']([A-Za-z0-9._:-]{1,40})["']""")
_ENCODINGS = re.compile(rb"(?i)utf-?8|utf-?16(le|be)?|us-ascii|ascii|iso-?8859-?\d+|latin-?\d|windows-12\d\d|cp12\d\d")


class Unreadable(Exception):
    """These bytes are no invoice that we can read. `reason` is one French sentence for the person who sent them."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class UnreadableXml(Unreadable):
    """These bytes are not XML that we accept."""


def parse_xml(data: bytes, *, max_bytes: int = MAX_XML_BYTES) -> etree._Element:
    """Parse `data` into its root element, or raise UnreadableXml.

    Refused: more than `max_bytes`, any DOCTYPE (so no DTD and no entity but the five of XML), malformed or truncated
    XML, nesting or sizes beyond libxml2's limits. Nothing is fetched, no entity is expanded, no file is opened.
    """
    if len(data) > max_bytes:
        raise UnreadableXml(
            f"Le fichier XML pèse {len(data)} octets, plus que les {max_bytes} acceptés : "
            "retirez des pièces jointes, puis renvoyez-le."
        )
    if data.count(b"<") > MAX_XML_MARKS:
        raise UnreadableXml(
            f"Le fichier XML compte plus de {MAX_XML_MARKS} balises, plus qu’une facture de 10 000 lignes : scindez-le."
        )
    encoding = _ENCODING.match(data)
    if encoding is not None and _ENCODINGS.fullmatch(encoding[1]) is None:
        named = encoding[1].decode("ascii")
        raise UnreadableXml(
            f"Le XML est dans l’encodage « {named} », que nous ne lisons pas : enregistrez-le en UTF-8."
        )
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        huge_tree=False,
        recover=False,
        remove_comments=True,
        remove_pis=True,
        # Never collect_ids=False: with it, lxml 6 opens the external DTD that a DOCTYPE names.
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError, LookupError) as error:
        raise UnreadableXml(f"Le XML est mal formé et ne peut pas être lu ({_where(error)}).") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise UnreadableXml("Le XML contient une déclaration DOCTYPE, refusée par sécurité : retirez-la.")
    return root


def _where(error: Exception) -> str:
    if isinstance(error, etree.XMLSyntaxError) and error.lineno:
        return f"ligne {error.lineno}, colonne {error.offset}"
    return "encodage inconnu ou contenu vide"
