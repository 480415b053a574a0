"""The source of a function, for a place where nothing but the function exists."""

from __future__ import annotations

import ast
import builtins
import inspect
import symtable
from typing import TYPE_CHECKING, Any

from longshore.problems import FunctionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_HEADER = "from __future__ import annotations\n"
_BUILTINS = frozenset(dir(builtins)) | {"__name__", "__file__"}


def source_of(function: Callable[..., Any]) -> str:
    """Text of a module that defines the function and nothing else, without its decorator.

    Raises `FunctionError` for a function that needs what only exists here.
    """
    name = getattr(function, "__name__", repr(function))
    try:
        text = inspect.getsource(function)
    except (OSError, TypeError) as error:
        raise FunctionError(f"`{name}` has no source to send: define it in a file") from error
    # An indented definition keeps its indentation: taking it away would change texts that span lines.
    opening = "if True:\n" if text[:1].isspace() else ""
    definition = _definition(name, opening + text)
    lines = (opening + text).splitlines(keepends=True)
    body = "".join(lines[definition.lineno - 1 : definition.end_lineno])
    source = _HEADER + opening + body
    foreign = sorted(set(_free(symtable.symtable(source, name, "exec"))))
    if foreign:
        raise FunctionError(
            f"`{name}` uses {', '.join(f'`{word}`' for word in foreign)} from outside: only the function itself "
            "travels to the pod, so import inside it and pass values as arguments"
        )
    return source


def _definition(name: str, text: str) -> ast.FunctionDef:
    try:
        statement = ast.parse(text).body[0]
    except (SyntaxError, IndexError) as error:
        raise FunctionError(f"`{name}` is not defined by a statement of its own: use `def`") from error
    if isinstance(statement, ast.If):
        statement = statement.body[0]
    if not isinstance(statement, ast.FunctionDef):
        raise FunctionError(f"`{name}` is no plain function: use `def`")
    if len(statement.decorator_list) > 1:
        raise FunctionError(f"`{name}` has further decorators, and those do not travel to the pod")
    return statement


def _free(table: symtable.SymbolTable, *, top: bool = True) -> Iterator[str]:
    """Names that the module uses and does not define. Annotations are not evaluated, so theirs do not count."""
    defined = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_assigned()} if top else set()
    found = [
        symbol.get_name() for symbol in table.get_symbols() if symbol.is_referenced() and (top or symbol.is_global())
    ]
    for child in table.get_children():
        if "annotation" not in str(child.get_type()).lower():
            found += _free(child, top=False)
    for word in found:
        if word not in defined and word not in _BUILTINS:
            yield word
