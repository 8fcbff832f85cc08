"""Reading one group of XML elements at a time, with nothing lost in silence.

A `Group` hands out each child once; what nobody asked for is reported at the end (`FF-NOT-KEPT`). Its twin, which
writes, is in `xml_out`.
"""

import base64
import binascii
import re
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from functools import cache
from operator import attrgetter

from lxml import etree

from faitfoi.einvoice.findings import Finding, Severity
from faitfoi.einvoice.model import Attachment, Identifier

NUMBER = re.compile(r"[+-]?(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})")
"""An xs:decimal of bounded length: no exponent, no NaN, no thousands separator."""

_MAX_FINDINGS = 200


def clean(text: str | None) -> str:
    """A text as the model holds it: no outer white space, lines that end with a line feed alone; None is empty."""
    if not text:
        return ""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.strip()


_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
_KNOWN_ATTRIBUTES = (
    # What the readers keep, where it means something …
    " schemeID unitCode currencyID format mimeCode filename listID listVersionID name "
    # … and what only says which code list or agency stands behind a code, which the norm fixes.
    "listAgencyID listAgencyName listName listURI listSchemeURI schemeName schemeAgencyID schemeAgencyName "
    "schemeVersionID schemeDataURI schemeURI unitCodeListID unitCodeListAgencyID unitCodeListAgencyName "
    "currencyCodeListVersionID languageID characterSetCode encodingCode "
)
_STRANGE_ATTRIBUTES = etree.XPath("//@*[not(contains($known, concat(' ', name(), ' ')))]")
_OTHER_CURRENCIES = etree.XPath(
    "//@currencyID[. != $currency and not(. = $vat_currency and "
    "parent::*[local-name() = 'TaxAmount' or local-name() = 'TaxTotalAmount'])]"
)


class _Tags(dict[str, str]):
    """Full names by local name, each put together once."""

    def __init__(self, namespace: str) -> None:
        super().__init__()
        self._namespace = namespace

    def __missing__(self, name: str) -> str:
        self[name] = full = self._namespace + name
        return full


@cache
def _tags(namespace: str) -> _Tags:
    return _Tags(namespace)


class Source:
    """One document being read: its two namespaces and what there is to say about it.

    `leaf` is the namespace of elements that hold a value, `branch` of those that hold elements, as `{uri}`.
    """

    __slots__ = ("_findings", "_groups", "absent", "branches", "leaves")

    def __init__(self, *, leaf: str, branch: str) -> None:
        self.leaves = _tags(leaf)
        self.branches = _tags(branch)
        self._findings: list[Finding] = []
        self._groups: list[Group] = []
        self.absent = Group(self, None)

    def root(self, element: etree._Element) -> "Group":
        """Start reading at `element`."""
        return self.opened(element)

    def opened(self, element: etree._Element) -> "Group":
        """Make `element` a group whose leftovers will be reported."""
        group = Group(self, element)
        self._groups.append(group)
        return group

    def remark(self, rule: str, severity: Severity, message: str, *, at: etree._Element, term: str = "") -> None:
        """Add a finding about the element `at`, unless there are too many already."""
        if len(self._findings) < _MAX_FINDINGS:
            self._findings.append(
                Finding(
                    rule=rule,
                    severity=severity,
                    message=message,
                    term=term,
                    path=at.getroottree().getpath(at),
                    value=(at.text or "").strip()[:200],
                )
            )

    def unreadable(self, element: etree._Element, *, term: str, expected: str) -> None:
        """Report a value that could not be understood; the model is left without it."""
        value = clean(element.text)[:80]
        name = f"{term} ({etree.QName(element).localname})" if term else etree.QName(element).localname
        message = f"La valeur « {value} » de {name} n’est pas {expected} : corrigez-la dans le logiciel de facturation."
        self.remark("FF-VALUE", Severity.FATAL, message, at=element, term=term)

    def repeated(self, elements: Iterable[etree._Element], *, term: str = "") -> None:
        """Report values beyond the first where EN 16931 has room for one."""
        for element in elements:
            name = etree.QName(element).localname
            message = f"{name} est donné plusieurs fois, la norme n’en prévoit qu’un : seul le premier est repris."
            self.remark("FF-REPEATED", Severity.WARNING, message, at=element, term=term)

    def findings(self, *, currency: str = "", vat_currency: str = "") -> tuple[Finding, ...]:
        """All remarks, then what no group was asked for and attributes not kept, once for each kind.

        `currency` (BT-5) is that of every amount, `vat_currency` (BT-6) may be that of VAT: another one is reported.
        """
        self._report_leftovers()
        if self._groups and (root := self._groups[0].source_element) is not None:
            self._report_attributes(_STRANGE_ATTRIBUTES(root, known=_KNOWN_ATTRIBUTES))
            if currency:
                self._report_attributes(_OTHER_CURRENCIES(root, currency=currency, vat_currency=vat_currency))
        return tuple(self._findings)

    def _report_attributes(self, found: object) -> None:
        seen: set[tuple[str, str]] = set()
        for attribute in found if isinstance(found, list) else ():
            element, name = attribute.getparent(), etree.QName(attribute.attrname)
            kind = (str(element.tag), name.text)
            if kind in seen or name.namespace == _INSTANCE or not attribute.strip():
                continue
            seen.add(kind)
            message = (
                f"L’attribut {name.localname}=« {attribute[:80]} » de {etree.QName(element).localname} "
                "n’a pas de place dans le modèle : il reste dans le fichier d’origine."
            )
            self.remark("FF-NOT-KEPT", Severity.INFORMATION, message, at=element)

    def _report_leftovers(self) -> None:
        seen: set[tuple[str, str]] = set()
        for group in self._groups:
            for element in group.leftovers() if group.has_more else ():
                kind = (str(group.tag), str(element.tag))
                if kind in seen or not (len(element) or clean(element.text)):
                    continue
                seen.add(kind)
                name = etree.QName(element).localname
                message = f"{name} n’a pas de place dans le modèle EN 16931 : il reste dans le fichier d’origine."
                self.remark("FF-NOT-KEPT", Severity.INFORMATION, message, at=element)


class Group:
    """The children of one element, each handed out once. An absent group is empty and false."""

    __slots__ = ("_children", "_element", "_source")

    def __init__(self, source: Source, element: etree._Element | None) -> None:
        self._source = source
        self._element = element
        children: dict[str, list[etree._Element]] = {}
        if element is not None:
            for child in element:
                tag = child.tag
                if tag in children:
                    children[tag].append(child)
                else:
                    children[tag] = [child]
        self._children = children

    def __bool__(self) -> bool:
        return self._element is not None

    @property
    def has_more(self) -> bool:
        """Whether it has children that nobody asked for yet."""
        return bool(self._children)

    @property
    def tag(self) -> str:
        """The element's full name."""
        return "" if self._element is None else str(self._element.tag)

    @property
    def source_element(self) -> etree._Element | None:
        """The element itself, None when it is absent."""
        return self._element

    @property
    def source(self) -> Source:
        """The document this group belongs to."""
        return self._source

    def leftovers(self) -> Iterable[etree._Element]:
        """The children that nobody asked for."""
        for elements in self._children.values():
            yield from elements

    def attribute(self, name: str) -> str:
        """The element's own attribute, stripped, or the empty string."""
        return "" if self._element is None else clean(self._element.get(name))

    def element(self, name: str, term: str = "") -> etree._Element | None:
        """The one leaf called `name`; more are reported as repeated."""
        found = self._children.pop(self._source.leaves[name], None)
        if found is None:
            return None
        if len(found) > 1:
            self._source.repeated(found[1:], term=term)
        return found[0]

    def elements(self, name: str) -> list[etree._Element]:
        """All leaves called `name`, in document order."""
        return self._children.pop(self._source.leaves[name], [])

    def text(self, name: str, term: str = "") -> str:
        """The text of the leaf `name` without outer white space, or the empty string."""
        found = self._children.pop(self._source.leaves[name], None)
        if found is None:
            return ""
        if len(found) > 1:
            self._source.repeated(found[1:], term=term)
        return clean(found[0].text)

    def texts(self, name: str) -> list[str]:
        """The texts of all leaves `name` that hold one."""
        return [text for element in self.elements(name) if (text := clean(element.text))]

    def decimal(self, name: str, term: str = "") -> Decimal | None:
        """The number in the leaf `name`; None when absent, or when it is no number (reported)."""
        element = self.element(name, term)
        return None if element is None else self.number(element, term)

    def number(self, element: etree._Element, term: str) -> Decimal | None:
        """The number `element` holds, or None."""
        text = clean(element.text)
        if NUMBER.fullmatch(text):
            return Decimal(text)
        if text:
            self._source.unreadable(element, term=term, expected="un nombre (chiffres, et un point pour les décimales)")
        return None

    def iso_date(self, name: str, term: str = "") -> date | None:
        """The `YYYY-MM-DD` in the leaf `name` (a time zone after it is ignored); None when absent or unreadable."""
        element = self.element(name, term)
        if element is None or not (text := clean(element.text)):
            return None
        try:
            return date.fromisoformat(text[:10] if len(text) in {11, 16} else text)
        except ValueError:
            self._source.unreadable(element, term=term, expected="une date AAAA-MM-JJ")
            return None

    def identifier(self, name: str, term: str = "", *, scheme: str = "schemeID") -> Identifier | None:
        """The leaf `name` with its scheme attribute; None when absent or empty."""
        element = self.element(name, term)
        return None if element is None else identifier(element, scheme=scheme)

    def attachment(self, name: str, term: str = "") -> Attachment | None:
        """The bytes in base64 in the leaf `name`; None when absent, empty or damaged (reported)."""
        element = self.element(name, term)
        if element is None or not (text := "".join((element.text or "").split())):
            return None
        try:
            content = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            self._source.remark(
                "FF-VALUE",
                Severity.FATAL,
                "La pièce jointe n’est pas du base64 valide : joignez-la de nouveau.",
                at=element,
                term=term,
            )
            return None
        media_type, filename = element.get("mimeCode") or "", element.get("filename") or ""
        return Attachment(content=content, media_type=clean(media_type), filename=clean(filename))

    def group(self, name: str, term: str = "") -> "Group":
        """The one group called `name`, empty and false when absent; more are reported as repeated."""
        found = self._children.pop(self._source.branches[name], None)
        if found is None:
            return self._source.absent
        if len(found) > 1:
            self._source.repeated(found[1:], term=term)
        return self._source.opened(found[0])

    def foreign(self, tag: str) -> "Group":
        """The one group whose full name is `tag`, whatever its namespace; empty and false when absent."""
        found = self._children.pop(tag, None)
        if found is None:
            return self._source.absent
        self._source.repeated(found[1:])
        return self._source.opened(found[0])

    def groups(self, name: str) -> "list[Group]":
        """All groups called `name`, in document order."""
        found = self._children.pop(self._source.branches[name], None)
        return [] if found is None else [self._source.opened(element) for element in found]

    def remark_repeated(self, message: str, term: str) -> None:
        """Report that this group says more than EN 16931 has room for."""
        if self._element is not None:
            self._source.remark("FF-REPEATED", Severity.WARNING, message, at=self._element, term=term)

    def not_kept(self, message: str, term: str = "") -> None:
        """Report something about this group that the model does not keep."""
        if self._element is not None:
            self._source.remark("FF-NOT-KEPT", Severity.INFORMATION, message, at=self._element, term=term)

    def drop(self, message: str, term: str) -> None:
        """Report that this whole group is not kept, once: its children are not reported again."""
        self.remark_repeated(message, term)
        self._children.clear()


def any_has_more(*groups: Group) -> bool:
    """Whether one of the groups has children that nobody asked for yet."""
    return any(map(_HAS_MORE, groups))


_HAS_MORE = attrgetter("has_more")


def truth(group: Group, said: str) -> bool | None:
    """Whether an indicator says true or false; None when it says neither, which is reported."""
    found = _TRUTHS.get(said)
    if found is None and said:
        group.not_kept(f"« {said[:80]} » ne dit ni vrai ni faux : lu comme une remise, pas comme des frais.")
    return found


_TRUTHS = {"true": True, "1": True, "false": False, "0": False}


def identifier(element: etree._Element, *, scheme: str = "schemeID") -> Identifier | None:
    """The identifier an element holds, or None when it is empty."""
    value = clean(element.text)
    return Identifier(value=value, scheme=clean(element.get(scheme))) if value else None
