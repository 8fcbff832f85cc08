"""The one XML door stays shut to everything that is not plain XML."""

from pathlib import Path

import pytest

from faitfoi.einvoice.xml import UnreadableXml, parse_xml

BILLION_LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;">]><l>&d;</l>"""

ATTRIBUTE_LAUGHS = BILLION_LAUGHS.replace(b"<l>&d;</l>", b'<l x="&d;&d;&d;&d;"/>')


@pytest.mark.parametrize(
    "data",
    [
        BILLION_LAUGHS,
        ATTRIBUTE_LAUGHS,
        b"<!DOCTYPE a><a/>",
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        b'<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/hostname">]><a>&e;</a>',
        b'<?xml version="1.0" encoding="utf-16"?><!DOCTYPE a><a/>',
        "<!DOCTYPE a><a/>".encode("utf-16"),
        b"<a><b></a>",
        b"<a>&undefined;</a>",
        b"",
        b"   ",
        b"\x00\x01\x02",
        b"<a",
        b'<?xml version="1.0" encoding="no-such-charset"?><a/>',
        b"<a>" * 5000 + b"</a>" * 5000,
        b'<a x="' + b"y" * (11 * 1024 * 1024) + b'"/>',
    ],
)
def test_hostile_or_broken_xml_is_refused_with_a_sentence(data: bytes) -> None:
    with pytest.raises(UnreadableXml) as caught:
        parse_xml(data)
    assert caught.value.reason.endswith(".")


def test_size_is_capped() -> None:
    with pytest.raises(UnreadableXml, match="octets"):
        parse_xml(b"<a>" + b" " * 100 + b"</a>", max_bytes=50)


def test_a_plain_document_is_read_whatever_its_encoding() -> None:
    assert parse_xml('<?xml version="1.0" encoding="ISO-8859-1"?><a>é</a>'.encode("latin-1")).text == "é"
    assert parse_xml("<a>é</a>".encode("utf-16")).text == "é"


@pytest.mark.parametrize("kind", ["SYSTEM", 'PUBLIC "-//X//X"'])
def test_the_dtd_a_doctype_names_is_never_opened(kind: str, tmp_path: Path) -> None:
    dtd = tmp_path / "broken.dtd"
    dtd.write_text("<!ELEMENT this is not a DTD")
    with pytest.raises(UnreadableXml, match="DOCTYPE"):  # had it been opened, the sentence would speak of bad XML
        parse_xml(f'<!DOCTYPE a {kind} "{dtd.as_uri()}"><a/>'.encode())
