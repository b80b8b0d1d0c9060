"""Finds in a file what a pure layer may not do: read a clock, the environment, chance or shared state, or do I/O."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

# The whole of the standard library that a pure layer uses. What is not here is refused, so that a new module is a
# decision. (zoneinfo reads files, but always the same: the time zone database is data of the program.)
PURE_STANDARD_LIBRARY = frozenset(
    {
        "__future__", "abc", "array", "base64", "binascii", "bisect", "calendar", "collections", "collections.abc",
        "contextlib", "copy", "dataclasses", "datetime", "decimal", "enum", "fractions", "functools", "hashlib",
        "heapq", "html", "itertools", "json", "math", "numbers", "operator", "re", "statistics", "string", "struct",
        "textwrap", "types", "typing", "unicodedata", "zlib", "zoneinfo",
    }
)  # fmt: skip
# From modules that are not pure as a whole.
PURE_NAMES = frozenset({"random.Random", "urllib.parse"})
_IMPURE_CALLS = frozenset(
    {"open", "print", "input", "eval", "exec", "compile", "breakpoint", "__import__", "id", "globals", "vars"}
)
_CLOCKS = frozenset({"now", "utcnow", "today"})
_CLOCK_OWNERS = frozenset({"datetime", "date", "dt"})
_MUTATORS = frozenset(
    {
        "add", "append", "appendleft", "clear", "discard", "extend", "extendleft", "insert", "pop", "popitem",
        "popleft", "remove", "reverse", "setdefault", "sort", "update",
    }
)  # fmt: skip


class Impurity(NamedTuple):
    line: int
    what: str


def impurities(source: str, *, packages: frozenset[str]) -> list[Impurity]:
    """Everything impure in `source`, which may import `packages` and what is below them."""
    tree = ast.parse(source)
    module_names = _names_bound_in_module(tree)
    found = set(_impure_imports(tree, packages)) | set(_impure_calls(tree))
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            found |= set(_shared_state(function, module_names))
    return sorted(found)


def imported_names(source: str) -> list[str]:
    """The full dotted name of everything that `source` imports, wherever in it."""
    return [full_name for _, _, full_name in _imports(ast.parse(source))]


def _imports(tree: ast.Module) -> Iterator[tuple[int, str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield node.lineno, name.name, name.name
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            for name in node.names:
                yield node.lineno, module, f"{module}.{name.name}"


def _impure_imports(tree: ast.Module, packages: frozenset[str]) -> Iterator[Impurity]:
    for line, module, full_name in _imports(tree):
        if not _may_import(module, full_name, packages):
            yield Impurity(line, f"imports {full_name}")


def _may_import(module: str, full_name: str, packages: frozenset[str]) -> bool:
    allowed = PURE_STANDARD_LIBRARY | PURE_NAMES
    if module in allowed or full_name in PURE_NAMES:
        return True
    return any(full_name == package or full_name.startswith(package + ".") for package in packages)


def _impure_calls(tree: ast.Module) -> Iterator[Impurity]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Global):
            yield Impurity(node.lineno, f"global {', '.join(node.names)}")
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name):
            if node.func.id in _IMPURE_CALLS:
                yield Impurity(node.lineno, f"calls {node.func.id}()")
            if node.func.id in {"Random", "SystemRandom"}:
                yield Impurity(node.lineno, f"makes a source of chance: {node.func.id}()")
        elif isinstance(node.func, ast.Attribute) and node.func.attr in _CLOCKS:
            owner = ast.unparse(node.func.value).rsplit(".", maxsplit=1)[-1]
            if owner in _CLOCK_OWNERS:
                yield Impurity(node.lineno, f"reads the clock: {owner}.{node.func.attr}()")


def _names_bound_in_module(tree: ast.Module) -> set[str]:
    names = set()
    for statement in tree.body:
        if isinstance(statement, ast.Assign):
            names |= {target.id for target in statement.targets if isinstance(target, ast.Name)}
        elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            names.add(statement.target.id)
    return names


def _shared_state(function: ast.AST, module_names: set[str]) -> Iterator[Impurity]:
    """Changes to an object that the module holds: an item or attribute set, or a method that mutates."""
    shared = module_names - _names_bound_in(function)
    for node in ast.walk(function):
        changed: ast.expr | None = None
        if isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store | ast.Del):
            changed = node.value
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _MUTATORS:
            changed = node.func.value
        if isinstance(changed, ast.Name) and changed.id in shared:
            yield Impurity(changed.lineno, f"changes the module's {changed.id}")


def _names_bound_in(function: ast.AST) -> set[str]:
    bound = {node.id for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return bound | {node.arg for node in ast.walk(function) if isinstance(node, ast.arg)}
