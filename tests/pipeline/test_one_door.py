"""Only `records.transitions.move` writes a stage, and the sending of a delivery has one place in the code."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src" / "faitfoi").rglob("*.py"))
DOOR = ROOT / "src" / "faitfoi" / "records" / "transitions.py"
DOOR_OF_ACTS = DOOR.with_name("transitions_act.py")
WRITERS = {"update", "create", "bulk_create", "bulk_update", "get_or_create", "update_or_create", "aupdate", "acreate"}


def writes_of_a_stage(tree: ast.AST) -> Iterator[int]:
    """Yield the lines on which a `stage` is written: assigned, set by name, passed to a writer, or put in SQL."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.stmt | ast.expr):
            continue
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, ast.AnnAssign | ast.AugAssign):
            targets = [node.target]
        for target in targets:
            parts = target.elts if isinstance(target, ast.Tuple) else [target]
            if any(isinstance(part, ast.Attribute) and part.attr == "stage" for part in parts):
                yield node.lineno
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in {*WRITERS, "Delivery"} and any(keyword.arg == "stage" for keyword in node.keywords):
                yield node.lineno
            if name == "setattr" and isinstance(node.args[1], ast.Constant) and node.args[1].value == "stage":
                yield node.lineno
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "UPDATE records_delivery" in node.value:
            yield node.lineno


def test_nobody_but_the_door_writes_a_stage() -> None:
    found = {
        f"{path.relative_to(ROOT)}:{line}"
        for path in SOURCES
        if path not in {DOOR, DOOR_OF_ACTS} and "migrations" not in path.parts
        for line in writes_of_a_stage(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert found == set()


@pytest.mark.parametrize(
    "planted",
    [
        "delivery.stage = Stage.SENT",
        "delivery.stage: str = 'sent'",
        "a, delivery.stage = 1, 'sent'",
        "Delivery.objects.filter(id=1).update(stage='sent')",
        "Delivery.objects.create(stage='sent')",
        "Delivery(stage='sent').save()",
        "setattr(delivery, 'stage', 'sent')",
        "cursor.execute('UPDATE records_delivery SET stage = 1')",
    ],
)
def test_a_planted_write_is_seen(planted: str) -> None:
    assert list(writes_of_a_stage(ast.parse(planted))) == [1]


@pytest.mark.parametrize(("door", "names"), [(DOOR, ["move", "close"]), (DOOR_OF_ACTS, ["move_act", "close_act"])])
def test_the_door_itself_writes_the_stage_twice_only(door: Path, names: list[str]) -> None:
    """When a delivery or an act moves, and when one of another installation is closed before it is written here."""
    tree = ast.parse(door.read_text(encoding="utf-8"))
    written = set(writes_of_a_stage(tree))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    by = [each.name for each in functions for line in written if each.lineno <= line <= (each.end_lineno or 0)]
    assert by == names


@pytest.mark.parametrize(
    ("touch", "places"),
    # `mail_trial` sends no delivery: a message to ourselves, to try the mail server or the way back.
    [("send", {"deliver.py", "mail_trial.py"}), ("act", {"acting.py"})],
)
def test_the_wire_is_touched_in_one_place(touch: str, places: set[str]) -> None:
    """`channel.send` is called by `pipeline.deliver` alone, `channel.act` by `acting`: no page, no command sends."""
    callers = {
        path.name
        for path in SOURCES
        if "channels" not in path.parts and "simulators" not in path.parts
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == touch
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "channel"
    }
    assert callers == places
