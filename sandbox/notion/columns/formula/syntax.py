"""The language of formulas: from text to a tree, and back to text in the form in which Notion keeps it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote


class FormulaError(Exception):
    """The text is no formula that is understood here."""


@dataclass(frozen=True)
class Value:
    """A text, number or truth value."""

    value: str | float | bool


@dataclass(frozen=True)
class Reference:
    """A column, by decoded id; `known` is its text in the kept form."""

    column: str
    known: str = ""


@dataclass(frozen=True)
class Name:
    """A bare word, as `current` in a list function."""

    name: str


@dataclass(frozen=True)
class Function:
    """A function call; with `method` the first argument was written before a dot."""

    name: str
    arguments: tuple[Node, ...]
    method: bool = False


@dataclass(frozen=True)
class Operation:
    """An operator between two operands, or before one."""

    operator: str
    operands: tuple[Node, ...]


@dataclass(frozen=True)
class Choice:
    """condition ? one : other."""

    condition: Node
    one: Node
    other: Node


@dataclass(frozen=True)
class Group:
    """What stood in parentheses."""

    inside: Node


@dataclass(frozen=True)
class Sequence:
    """A list."""

    items: tuple[Node, ...]


Node = Value | Reference | Name | Function | Operation | Choice | Group | Sequence

_TOKEN = re.compile(
    r"\s*(?:(?P<ref>\{\{notion:block_property:[^}]*\}\})|(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)"
    r'|(?P<string>"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\')|(?P<name>[A-Za-z_]\w*)'
    r"|(?P<op>==|!=|>=|<=|&&|\|\||[-+*/%^!?:.,()\[\]<>]))",
    re.DOTALL,
)
_LEVELS = (
    ("or", "||"),
    ("and", "&&"),
    ("==", "!="),
    (">=", "<=", ">", "<"),
    ("+", "-"),
    ("*", "/", "%"),
)
#: Names a column in `prop("...")`: gives the decoded id, or None for an unknown name.
Resolve = Callable[[str], str | None]


def parse(text: str, resolve: Resolve) -> Node:
    """The tree of a formula; `FormulaError` when it is not understood."""
    return _Parser(text, resolve).whole()


class _Parser:
    def __init__(self, text: str, resolve: Resolve) -> None:
        self.resolve = resolve
        self.tokens: list[tuple[str, str]] = []
        place = 0
        text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL).rstrip()
        while place < len(text):
            match = _TOKEN.match(text, place)
            if match is None:
                raise FormulaError(f"Unexpected {text[place:].strip()[:1]!r}")
            self.tokens.append((match.lastgroup or "", match.group(match.lastgroup or 0)))
            place = match.end()
        self.at = 0

    def peek(self) -> str:
        return self.tokens[self.at][1] if self.at < len(self.tokens) else ""

    def take(self, wanted: str = "") -> tuple[str, str]:
        if self.at >= len(self.tokens) or (wanted and self.peek() != wanted):
            raise FormulaError(f"Expected {wanted or 'more'}, found {self.peek() or 'the end'}")
        self.at += 1
        return self.tokens[self.at - 1]

    def whole(self) -> Node:
        node = self.choice()
        if self.at < len(self.tokens):
            raise FormulaError(f"Unexpected {self.peek()}")
        return node

    def choice(self) -> Node:
        condition = self.operation(0)
        if self.peek() != "?":
            return condition
        self.take()
        one = self.choice()
        self.take(":")
        return Choice(condition, one, self.choice())

    def operation(self, level: int) -> Node:
        if level == len(_LEVELS):
            return self.sign()
        node = self.operation(level + 1)
        while self.peek() in _LEVELS[level] and self.tokens[self.at][0] in ("op", "name"):
            _, operator = self.take()
            node = Operation(operator, (node, self.operation(level + 1)))
        return node

    def sign(self) -> Node:
        if self.peek() in ("-", "!", "not", "+") and self.tokens[self.at][0] in ("op", "name"):
            after = self.tokens[self.at + 1][1] if self.at + 1 < len(self.tokens) else ""
            if not (self.peek() == "not" and after == "("):
                _, operator = self.take()
                return Operation(operator, (self.sign(),))
        node = self.method()
        if self.peek() == "^":
            self.take()
            return Operation("^", (node, self.sign()))
        return node

    def method(self) -> Node:
        node = self.atom()
        while self.peek() == ".":
            self.take()
            _, name = self.take()
            node = Function(name, (node, *self.arguments()), method=True)
        return node

    def arguments(self, end: str = ")") -> tuple[Node, ...]:
        self.take("(" if end == ")" else "[")
        found: list[Node] = []
        while self.peek() != end:
            if found:
                self.take(",")
            found.append(self.choice())
        self.take(end)
        return tuple(found)

    def atom(self) -> Node:
        kind, text = self.take() if self.peek() != "[" else ("op", "[")
        if kind == "number":
            return Value(float(text))
        if kind == "string":
            return Value(re.sub(r"\\(.)", lambda m: {"n": "\n", "t": "\t"}.get(m[1], m[1]), text[1:-1]))
        if kind == "ref":
            return Reference(unquote(text.split(":")[2]), text)
        if text == "(":
            inside = self.choice()
            self.take(")")
            return Group(inside)
        if text == "[":
            return Sequence(self.arguments("]"))
        if kind != "name":
            raise FormulaError(f"Unexpected {text}")
        if self.peek() != "(":
            return Value(text == "true") if text in ("true", "false") else Name(text)
        arguments = self.arguments()
        if text == "prop" and len(arguments) == 1 and isinstance(arguments[0], Value):
            column = self.resolve(str(arguments[0].value))
            if column is None:
                raise FormulaError(f"Undefined property {arguments[0].value}")
            return Reference(column)
        return Function(text, arguments)


def write(node: Node, reference: Callable[[Reference], str]) -> str:
    """The text of a tree, as Notion gives it: an operation that is an operand stands in parentheses, no other."""

    def text(node: Node) -> str:
        match node:
            case Value(value):
                return _literal(value)
            case Reference():
                return reference(node)
            case Name(name):
                return name
            case Group(inside):
                return text(inside)
            case Function("not", (one,)) | Operation("not", (one,)):
                return f"!{operand(one)}"
            case Function(name, arguments, method):
                if method:
                    return f"{operand(arguments[0])}.{name}({', '.join(map(text, arguments[1:]))})"
                return f"{name}({', '.join(map(text, arguments))})"
            case Operation(operator, (one,)):
                return f"{operator}{operand(one)}"
            case Operation(operator, operands):
                return f" {operator} ".join(map(operand, operands))
            case Choice(condition, one, other):
                return f"{operand(condition)} ? {operand(one)} : {operand(other)}"
            case Sequence(items):
                return f"[{', '.join(map(text, items))}]"

    def operand(node: Node) -> str:
        bare = _bare(node)
        # A sign binds by itself, so that it has parentheses only where it was given some.
        signed = isinstance(bare, Operation) and len(bare.operands) == 1 and bare is node
        return f"({text(bare)})" if isinstance(bare, Operation | Choice) and not signed else text(bare)

    return text(node)


def _bare(node: Node) -> Node:
    while isinstance(node, Group):
        node = node.inside
    return node


def _literal(value: str | float | bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{escaped}"'
