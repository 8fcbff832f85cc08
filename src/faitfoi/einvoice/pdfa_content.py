"""What the pages of a PDF use: fonts, colours, images, states. Each content stream is read once.

Content is followed as a viewer would: pages, the forms, patterns, soft masks and Type 3 glyphs they name, and the
looks of annotations. Only resources that are really used are reported, since PDF/A asks nothing of the others.
"""

import decimal
from collections.abc import Iterator
from dataclasses import dataclass, field

import pikepdf

from faitfoi.einvoice.facturx_safety import stream_filters
from faitfoi.einvoice.xml import Unreadable

_MOST_CONTENT = 32 * 1024 * 1024
_MOST_FORMS = 20_000
_MOST_DEPTH = 28
_OPERATORS = (
    "q Q Tr Tf Tj TJ ' \" gs Do sh cs CS sc SC scn SCN g G rg RG k K f F f* B B* b b* S s BI ID EI INLINE IMAGE"
)
_SHOWING = frozenset({"Tj", "TJ", "'", '"'})
_PAINTING = _SHOWING | frozenset({"f", "F", "f*", "B", "B*", "b", "b*", "S", "s"})
_DEVICE = {
    "g": "DeviceGray", "G": "DeviceGray", "rg": "DeviceRGB", "RG": "DeviceRGB", "k": "DeviceCMYK", "K": "DeviceCMYK",
}  # fmt: skip
_SPACES = {
    "/DeviceGray": "DeviceGray", "/G": "DeviceGray", "/DeviceRGB": "DeviceRGB", "/RGB": "DeviceRGB",
    "/DeviceCMYK": "DeviceCMYK", "/CMYK": "DeviceCMYK",
}  # fmt: skip
_DEFAULTS = {"DeviceGray": "/DefaultGray", "DeviceRGB": "/DefaultRGB", "DeviceCMYK": "/DefaultCMYK"}
_BLENDS = frozenset(
    f"/{name}"
    for name in (
        "Normal", "Compatible", "Multiply", "Screen", "Overlay", "Darken", "Lighten", "ColorDodge", "ColorBurn",
        "HardLight", "SoftLight", "Difference", "Exclusion", "Hue", "Saturation", "Color", "Luminosity",
    )
)  # fmt: skip
_INTENTS = frozenset({"/RelativeColorimetric", "/AbsoluteColorimetric", "/Perceptual", "/Saturation"})
_INVISIBLE = 3  # text rendering mode of the words under a scanned page

_DENSE = "Les pages de ce PDF sont trop chargées pour être examinées : exportez-le de nouveau, en PDF/A."


@dataclass(slots=True, kw_only=True)
class Used:
    """What the visible content of a PDF relies on; the names are those that a person can look for."""

    fonts: dict[tuple[int, int], pikepdf.Object] = field(default_factory=dict)
    device: set[str] = field(default_factory=set)
    transparency: bool = False
    postscript: bool = False
    external: set[str] = field(default_factory=set)
    image_faults: set[str] = field(default_factory=set)
    state_faults: set[str] = field(default_factory=set)


@dataclass(slots=True, kw_only=True)
class _State:
    """The part of the graphics state that matters here."""

    font: pikepdf.Object | None = None
    mode: int = 0
    fill: bool = False
    stroke: bool = False


def what_is_used(pdf: pikepdf.Pdf) -> Used:
    """Follow every page. Raises Unreadable when there is more content than a person could have put there."""
    return _Walk().follow(pdf)


class _Walk:
    """One walk: what it has found, and where it has been, so that a form drawn a million times is read once."""

    def __init__(self) -> None:
        self._used = Used()
        self._seen: set[tuple[object, ...]] = set()
        self._content = 0

    def follow(self, pdf: pikepdf.Pdf) -> Used:
        for page in pdf.pages:
            resources = inherited(page.obj, "/Resources")
            self._group(page.obj, resources)
            contents = page.obj.get("/Contents")
            streams = contents.as_list() if isinstance(contents, pikepdf.Array) else [contents]
            self._weigh(*(each for each in streams if isinstance(each, pikepdf.Stream)))
            if any(isinstance(each, pikepdf.Stream) for each in streams):
                self._read(page.obj, resources, _State(), depth=0)
            for appearance in appearances(page.obj):
                self._form(appearance, resources, _State(), depth=0)
        return self._used

    def _weigh(self, *streams: pikepdf.Object) -> None:
        """Refuse content whose reading alone would be an attack; deflate's swelling has been bounded before."""
        for stream in streams:
            raw = int(stream.stream_dict.get("/Length", 0))
            swelling = any(name not in {"/FlateDecode", "/Fl"} for name in stream_filters(stream))
            self._content += len(stream.read_bytes()) if not swelling or raw < 200_000 else raw * 64
            if self._content > _MOST_CONTENT:
                raise Unreadable(_DENSE)

    def _new(self, thing: pikepdf.Object, *more: object) -> bool:
        """True the first time; a thing written in place, which has no number, is counted on its own."""
        key = (thing.objgen if thing.is_indirect else thing.unparse(), *more)
        if key in self._seen:
            return False
        if len(self._seen) > _MOST_FORMS:
            raise Unreadable(_DENSE)
        self._seen.add(key)
        return True

    def _read(self, content: pikepdf.Object, resources: pikepdf.Object | None, state: _State, *, depth: int) -> None:
        if depth > _MOST_DEPTH:
            raise Unreadable(_DENSE)
        saved: list[_State] = []
        for instruction in pikepdf.parse_content_stream(content, _OPERATORS):
            operator = str(instruction.operator)
            operands = instruction.operands
            if operator == "q":
                saved.append(_State(font=state.font, mode=state.mode, fill=state.fill, stroke=state.stroke))
            elif operator == "Q":
                state = saved.pop() if saved else state
            elif operator == "Tr" and operands:
                state.mode = int(operands[0]) if isinstance(operands[0], int | decimal.Decimal) else 0
            elif operator == "Tf" and operands:
                font = _named(resources, "/Font", operands[0])
                state.font = font if isinstance(font, pikepdf.Dictionary) else None
            elif operator in _PAINTING:
                self._paint(operator, state, resources, depth=depth)
            elif operator in {"Do", "gs", "sh"} and operands:
                self._name(operator, operands[0], resources, state, depth=depth)
            elif isinstance(instruction, pikepdf.ContentStreamInlineImage):
                self._inline_image(instruction.iimage.obj, resources)
            else:
                self._colour(operator, operands, resources, state, depth=depth)

    def _paint(self, operator: str, state: _State, resources: pikepdf.Object | None, *, depth: int) -> None:
        shows = operator in _SHOWING
        if shows and state.font is not None and state.mode != _INVISIBLE:
            self._font(state.font, resources, depth=depth)
        strokes = operator in {"S", "s"}
        if not (state.stroke if strokes else state.fill) and not (shows and state.mode == _INVISIBLE):
            self._device("DeviceGray", resources)  # black, where nothing else was said

    def _colour(
        self, operator: str, operands: object, resources: pikepdf.Object | None, state: _State, *, depth: int
    ) -> None:
        stroke = operator in {"G", "RG", "K", "CS", "SC", "SCN"}
        given = list(operands) if isinstance(operands, list) else []
        if operator in _DEVICE:
            self._device(_DEVICE[operator], resources)
        elif operator in {"cs", "CS"} and given:
            self._space(_named(resources, "/ColorSpace", given[0]) or given[0], resources, depth=depth)
        elif operator in {"scn", "SCN"} and given and isinstance(given[-1], pikepdf.Name):
            self._pattern(_named(resources, "/Pattern", given[-1]), resources, depth=depth)
        elif operator not in {"sc", "SC", "scn", "SCN"}:
            return
        state.stroke, state.fill = state.stroke or stroke, state.fill or not stroke

    def _name(
        self, operator: str, name: pikepdf.Object, resources: pikepdf.Object | None, state: _State, *, depth: int
    ) -> None:
        if operator == "gs":
            self._extended(_named(resources, "/ExtGState", name), resources, state, depth=depth)
        elif operator == "sh":
            self._shading(_named(resources, "/Shading", name), resources, depth=depth)
        else:
            drawn = _named(resources, "/XObject", name)
            if isinstance(drawn, pikepdf.Stream):
                self._drawn(drawn, resources, state, depth=depth)

    def _drawn(self, stream: pikepdf.Object, resources: pikepdf.Object | None, state: _State, *, depth: int) -> None:
        kind = str(stream.stream_dict.get("/Subtype", ""))
        if kind == "/Image":
            self._image(stream, resources)
        elif kind == "/PS" or "/PS" in stream.stream_dict or str(stream.stream_dict.get("/Subtype2", "")) == "/PS":
            self._used.postscript = True
        elif kind == "/Form":
            self._form(stream, resources, state, depth=depth)

    def _form(self, form: pikepdf.Object, above: pikepdf.Object | None, state: _State, *, depth: int) -> None:
        font = state.font.objgen if state.font is not None else None
        if not self._new(form, "form", font, state.mode, state.fill, state.stroke):
            return
        self._weigh(form)
        if "/Ref" in form.stream_dict:
            self._used.external.add("XObject Ref")
        if "/OPI" in form.stream_dict:
            self._used.image_faults.add("OPI")
        resources = form.stream_dict.get("/Resources", above)
        self._group(form.stream_dict, resources)
        inner = _State(font=state.font, mode=state.mode, fill=state.fill, stroke=state.stroke)
        self._read(form, resources, inner, depth=depth + 1)

    def _group(self, holder: pikepdf.Object, resources: pikepdf.Object | None) -> None:
        group = holder.get("/Group")
        if isinstance(group, pikepdf.Dictionary) and str(group.get("/S", "")) == "/Transparency":
            self._used.transparency = True
            self._space(group.get("/CS"), resources, depth=0)

    def _image(self, image: pikepdf.Object, resources: pikepdf.Object | None) -> None:
        if not self._new(image, "image"):
            return
        words = image.stream_dict
        self._image_faults(words)
        if not is_true(words, "/ImageMask"):
            self._space(words.get("/ColorSpace"), resources, depth=0)
        for name in ("/SMask", "/Mask"):
            mask = words.get(name)
            if isinstance(mask, pikepdf.Stream):
                self._used.transparency = self._used.transparency or name == "/SMask"
                self._image_faults(mask.stream_dict)

    def _image_faults(self, words: pikepdf.Object) -> None:
        if is_true(words, "/Interpolate"):
            self._used.image_faults.add("Interpolate")
        for name in ("/Alternates", "/OPI"):
            if name in words:
                self._used.image_faults.add(name[1:])
        if "/Intent" in words and str(words.get("/Intent")) not in _INTENTS:
            self._used.image_faults.add("Intent")

    def _inline_image(self, words: pikepdf.Object, resources: pikepdf.Object | None) -> None:
        if is_true(words, "/Interpolate") or is_true(words, "/I"):
            self._used.state_faults.add("Interpolate")  # within the content, where it cannot be mended apart
        space = words.get("/ColorSpace") or words.get("/CS")
        if space is not None:
            self._space(_named(resources, "/ColorSpace", space) or space, resources, depth=0)

    def _extended(
        self, given: pikepdf.Object | None, resources: pikepdf.Object | None, state: _State, *, depth: int
    ) -> None:
        if not isinstance(given, pikepdf.Dictionary):
            return
        font = given.get("/Font")
        if isinstance(font, pikepdf.Array) and len(font) and isinstance(font[0], pikepdf.Dictionary):
            state.font = font[0]
        if not self._new(given, "state"):
            return
        self._used.state_faults |= set(_state_faults(given))
        if any(given.get(name, 1) != 1 for name in ("/ca", "/CA")) or _blends(given) - {"/Normal", "/Compatible"}:
            self._used.transparency = True
        mask = given.get("/SMask")
        if isinstance(mask, pikepdf.Dictionary):
            self._used.transparency = True
            group = mask.get("/G")
            if isinstance(group, pikepdf.Stream):
                self._form(group, resources, _State(), depth=depth + 1)

    def _pattern(self, pattern: pikepdf.Object | None, resources: pikepdf.Object | None, *, depth: int) -> None:
        if isinstance(pattern, pikepdf.Stream):
            self._form(pattern, resources, _State(), depth=depth + 1)
        elif isinstance(pattern, pikepdf.Dictionary):
            self._shading(pattern.get("/Shading"), resources, depth=depth)
            self._extended(pattern.get("/ExtGState"), resources, _State(), depth=depth)

    def _shading(self, shading: pikepdf.Object | None, resources: pikepdf.Object | None, *, depth: int) -> None:
        words = shading.stream_dict if isinstance(shading, pikepdf.Stream) else shading
        if isinstance(words, pikepdf.Dictionary):
            self._space(words.get("/ColorSpace"), resources, depth=depth)

    def _space(self, space: pikepdf.Object | None, resources: pikepdf.Object | None, *, depth: int) -> None:
        """Report the device colours a colour space comes down to."""
        if depth > _MOST_DEPTH:
            raise Unreadable(_DENSE)
        if isinstance(space, pikepdf.Name):
            if str(space) in _SPACES:
                self._device(_SPACES[str(space)], resources)
        elif isinstance(space, pikepdf.Array) and len(space) > 1:
            kind = str(space[0])
            if kind in {"/Indexed", "/I", "/Pattern"}:
                self._space(space[1], resources, depth=depth + 1)
            elif kind in {"/Separation", "/DeviceN"} and len(space) > 2:
                self._space(space[2], resources, depth=depth + 1)

    def _device(self, name: str, resources: pikepdf.Object | None) -> None:
        if name in self._used.device:
            return
        spaces = resources.get("/ColorSpace") if isinstance(resources, pikepdf.Dictionary) else None
        if not (isinstance(spaces, pikepdf.Dictionary) and _DEFAULTS[name] in spaces):
            self._used.device.add(name)

    def _font(self, font: pikepdf.Object, resources: pikepdf.Object | None, *, depth: int) -> None:
        if not self._new(font, "font"):
            return
        key = font.objgen if font.is_indirect else (-len(self._used.fonts) - 1, 0)
        self._used.fonts[key] = font
        glyphs = font.get("/CharProcs")
        if str(font.get("/Subtype", "")) == "/Type3" and isinstance(glyphs, pikepdf.Dictionary):
            for glyph in glyphs.as_dict().values():
                if isinstance(glyph, pikepdf.Stream) and self._new(glyph, "glyph"):
                    self._weigh(glyph)
                    inner = font.get("/Resources", resources)
                    self._read(glyph, inner, _State(fill=True, stroke=True), depth=depth + 1)


def appearances(page: pikepdf.Object) -> Iterator[pikepdf.Object]:
    """The streams that draw the annotations of a page."""
    for annotation in annotations(page):
        looks = annotation.get("/AP")
        if not isinstance(looks, pikepdf.Dictionary):
            continue
        for look in looks.as_dict().values():
            if isinstance(look, pikepdf.Stream):
                yield look
            elif isinstance(look, pikepdf.Dictionary):
                yield from (each for each in look.as_dict().values() if isinstance(each, pikepdf.Stream))


def is_true(words: pikepdf.Object, name: str) -> bool:
    """True when a dictionary says `true` under a name."""
    value: object = words.get(name)
    return value is True


def annotations(page: pikepdf.Object) -> list[pikepdf.Object]:
    """The annotations of a page that are what they should be."""
    given = page.get("/Annots")
    listed = list(given.as_list()) if isinstance(given, pikepdf.Array) else []
    return [each for each in listed if isinstance(each, pikepdf.Dictionary)]


def _state_faults(given: pikepdf.Object) -> Iterator[str]:
    """Transfer functions, halftone phases, unknown blend modes: ISO 19005-3, 6.2.5 and 6.2.10."""
    if "/TR" in given:
        yield "TR"
    if "/TR2" in given and str(given.get("/TR2")) != "/Default":
        yield "TR2"
    if "/HTP" in given:
        yield "HTP"
    if not _blends(given) <= _BLENDS:
        yield "BM"
    if "/RI" in given and str(given.get("/RI")) not in _INTENTS:
        yield "RI"


def _blends(given: pikepdf.Object) -> set[str]:
    mode = given.get("/BM")
    if isinstance(mode, pikepdf.Array):
        return {str(each) for each in mode.as_list()[:1]}
    return {str(mode)} if isinstance(mode, pikepdf.Name) else set()


def inherited(page: pikepdf.Object, name: str) -> pikepdf.Object | None:
    """What a page, or else the nearest branch above it, has under a name."""
    node: pikepdf.Object | None = page
    height = 0
    while isinstance(node, pikepdf.Dictionary) and height < 100:
        if name in node:
            return node.get(name)
        node, height = node.get("/Parent"), height + 1
    return None


def _named(resources: pikepdf.Object | None, category: str, name: pikepdf.Object) -> pikepdf.Object | None:
    if not isinstance(resources, pikepdf.Dictionary) or not isinstance(name, pikepdf.Name):
        return None
    listed = resources.get(category)
    found = listed.get(str(name)) if isinstance(listed, pikepdf.Dictionary) else None
    return found if isinstance(found, pikepdf.Object) else None
