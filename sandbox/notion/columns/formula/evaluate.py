"""Values and types of formulas for one page."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.notion.columns.formula import functions
from sandbox.notion.columns.formula.functions import Span, as_number, as_text
from sandbox.notion.columns.formula.syntax import (
    Choice,
    FormulaError,
    Function,
    Group,
    Name,
    Node,
    Operation,
    Reference,
    Sequence,
    Value,
)

_BY_TYPE = {
    "string": functions.TEXT,
    "number": functions.NUMBER,
    "boolean": functions.BOOLEAN,
    "date": functions.DATE,
    "list": functions.LIST,
    "item": functions.ITEM,
}
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    ">": lambda one, other: bool(one > other),
    "<": lambda one, other: bool(one < other),
    ">=": lambda one, other: bool(one >= other),
    "<=": lambda one, other: bool(one <= other),
}
_ARITHMETIC = {"-": "subtract", "*": "multiply", "/": "divide", "%": "mod", "^": "pow"}
_OVER_LISTS = frozenset({"map", "filter", "some", "every", "find"})


@dataclass
class Scope:
    """What a formula can see: cells and types of columns by decoded id, the time, and its own names."""

    cell: Callable[[str], Any]
    type_of: Callable[[str], str]
    now: datetime
    names: dict[str, Any] = field(default_factory=dict)


def result_type(node: Node, scope: Scope) -> str:
    """string, number, boolean, date or list, whatever the cells hold."""
    match node:
        case Value(value):
            return (
                "boolean" if isinstance(value, bool) else "number" if isinstance(value, float) else "string"
            )
        case Reference(column):
            return scope.type_of(column)
        case Group(inside):
            return result_type(inside, scope)
        case Choice(_, one, other):
            return _either(one, other, scope)
        case Operation("+", (one, other)):
            return "string" if "string" in (result_type(one, scope), result_type(other, scope)) else "number"
        case Operation(operator, _):
            return "number" if operator in (*_ARITHMETIC, "+") else "boolean"
        case Function("if", (_, one, other)):
            return _either(one, other, scope)
        case Function("ifs", arguments):
            return result_type(arguments[1], scope)
        case Function("let" | "lets", arguments):
            return result_type(arguments[-1], scope)
        case Function("now" | "today", _):
            return "date"
        case Function("some" | "every", _):
            return "boolean"
        case Function(name, _):
            return next((kind for kind, known in _BY_TYPE.items() if name in known), "list")
    return "list" if isinstance(node, Sequence) else "string"


def _either(one: Node, other: Node, scope: Scope) -> str:
    first = result_type(one, scope)
    return result_type(other, scope) if isinstance(one, Value) and one.value == "" else first


def evaluate(node: Node, scope: Scope) -> Any:
    """The value of a formula: text, number, boolean, `Span`, list or None.

    Raises:
        FormulaError: A function is not known here.
    """
    match node:
        case Value(value):
            return value
        case Reference(column):
            return scope.cell(column)
        case Name(name):
            if name not in scope.names:
                raise FormulaError(f"Undefined name {name}")
            return scope.names[name]
        case Group(inside):
            return evaluate(inside, scope)
        case Sequence(items):
            return [evaluate(item, scope) for item in items]
        case Choice(condition, one, other):
            return evaluate(one if evaluate(condition, scope) else other, scope)
        case Operation(operator, operands):
            return _operate(operator, operands, scope)
        case Function(name, arguments):
            return _call(name, arguments, scope)


def _operate(operator: str, operands: tuple[Node, ...], scope: Scope) -> Any:
    one = evaluate(operands[0], scope)
    if len(operands) == 1:
        return not one if operator in ("!", "not") else -as_number(one) if operator == "-" else as_number(one)
    if operator in ("and", "&&"):
        return bool(one) and bool(evaluate(operands[1], scope))
    if operator in ("or", "||"):
        return bool(one) or bool(evaluate(operands[1], scope))
    other = evaluate(operands[1], scope)
    if operator in ("==", "!="):
        return (_comparable(one) == _comparable(other)) == (operator == "==")
    if operator in _COMPARE:
        left, right = _comparable(one), _comparable(other)
        return type(left) is type(right) and left is not None and _COMPARE[operator](left, right)
    if operator == "+":
        texts = isinstance(one, str | list) or isinstance(other, str | list)
        return as_text(one) + as_text(other) if texts else as_number(one) + as_number(other)
    try:
        return functions.NUMBER[_ARITHMETIC[operator]](one, other)
    except (ArithmeticError, ValueError):
        return None


def _comparable(value: Any) -> Any:
    if isinstance(value, Span):
        return as_number(value)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _call(name: str, arguments: tuple[Node, ...], scope: Scope) -> Any:
    if name in ("if", "ifs"):
        for index in range(0, len(arguments) - 1, 2):
            if evaluate(arguments[index], scope):
                return evaluate(arguments[index + 1], scope)
        return evaluate(arguments[-1], scope) if len(arguments) % 2 else None
    if name in ("let", "lets"):
        for index in range(0, len(arguments) - 1, 2):
            word = arguments[index]
            if not isinstance(word, Name):
                raise FormulaError("let needs a name")
            scope = _with(scope, {word.name: evaluate(arguments[index + 1], scope)})
        return evaluate(arguments[-1], scope)
    if name == "now":
        return Span(scope.now.replace(second=0, microsecond=0))
    if name == "today":
        return Span(scope.now.date())
    if name in _OVER_LISTS:
        return _over(name, evaluate(arguments[0], scope), arguments[1], scope)
    function = next((known[name] for known in _BY_TYPE.values() if name in known), None)
    if function is None:
        raise FormulaError(f"Undefined function {name}")
    try:
        return function(*(evaluate(argument, scope) for argument in arguments))
    except (TypeError, ValueError, OverflowError, ArithmeticError):
        return None


def _over(name: str, items: Any, inside: Node, scope: Scope) -> Any:
    results = [
        evaluate(inside, _with(scope, {"current": item, "index": float(index)}))
        for index, item in enumerate(items if isinstance(items, list) else [])
    ]
    if name == "map":
        return results
    if name in ("some", "every"):
        return any(results) if name == "some" else all(results)
    kept = [item for item, result in zip(items or [], results, strict=True) if result]
    return kept if name == "filter" else next(iter(kept), None)


def _with(scope: Scope, names: dict[str, Any]) -> Scope:
    return Scope(scope.cell, scope.type_of, scope.now, scope.names | names)


def finite(value: Any) -> Any:
    """A number as JSON can have it."""
    number = as_number(value)
    if not math.isfinite(number):
        return None
    return int(number) if float(number).is_integer() else number
