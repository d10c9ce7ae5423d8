"""Nodes from the `[[node]]` tables of `lockstep.toml`, without writing Python.

[[node]]
name = "laptop"                       # the node's name among all nodes
database = "sqlite:///orders.db"      # or "env:ORDERS_DATABASE_URL"
tables = ["customer", { name = "order", exclude = ["note"] }]
every = "30s"                         # where it asks a peer
# record_bytes_max = 15_728_640       # larger records are held and told, not sent; on both nodes, up to 50_000_000
# delete_share = 0.5                  # halt a run that would delete more than this share of a table's rows here …
# change_share = 0.5                  # … or blank or overwrite one column on more than this share of them …
# handful = 20                        # … where it is more than so many rows
# capture = "orm"                     # the program stamps edits itself; the default is "triggers"

[node.peer]                           # whom it asks
node = "office"
url = "https://office.example.org"
secret = "env:LAPTOP_SECRET"          # or token = "…"

[[node.answers]]                      # whom it answers, in the web process
node = "phone"
secret = "env:PHONE_SECRET"
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)

from config import get_settings
from tasks.database.engine.engine import DatabaseEngine
from tasks.database.engine.lock import SyncLock
from tasks.database.exceptions import MassChangeError
from tasks.database.records.clock import HybridLogicalClock
from tasks.database.records.manifest import SyncManifest
from tasks.database.records.result import DatabaseResult
from tasks.database.sql.nonces import DatabaseNonces
from tasks.database.sql.outside import beside_server
from tasks.database.sql.storage import SQLAlchemyStorage
from tasks.database.sql.tables.connection import Database
from tasks.database.sql.tables.graph import graph_of
from tasks.database.sql.tables.shared_ids import ADVICE, gives_ids
from tasks.database.sql.tables.synced_table import SyncedTable
from tasks.database.storages.guard import Guard, refuse
from tasks.database.storages.unsent import RECORD_BYTES_MAX_DEFAULT
from tasks.database.transport import wire
from tasks.database.transport.http import HttpTransport
from tasks.database.transport.server import ServedNode
from tasks.database.transport.signing import PeerKey
from tasks.errors import TaskDefinitionError
from tasks.nearest import nearest
from tasks.schedule.table import ScheduleKeys

log = logging.getLogger(__name__)

_ENV = "env:"

NodeName = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]


def _from_environment(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if not text.startswith(_ENV):
        return value
    name = text.removeprefix(_ENV)
    found = os.environ.get(name, "")
    if not found:
        raise ValueError(f"the environment variable {name} is not set")
    return SecretStr(found)


_Secret = Annotated[SecretStr, AfterValidator(_from_environment)]


class _Table(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True
    )


class PeerTable(_Table):
    """Another node, and what proves who it is: either a secret, which signs, or a token over TLS."""

    node: NodeName
    """the name of the other node"""
    secret: _Secret | None = None
    """what both nodes sign with; `env:NAME` takes it from a variable"""
    token: _Secret | None = None
    """what is sent along instead of a signature, over TLS only; `env:NAME` takes it from a variable"""

    def key(self) -> PeerKey:
        """The key.

        Raises:
            TaskDefinitionError: there is none or both, or it is too short.
        """
        return PeerKey(
            self.secret.get_secret_value() if self.secret else "",
            self.token.get_secret_value() if self.token else "",
        )


class AskedPeerTable(PeerTable):
    """The node that is asked."""

    url: str
    """where its web process is"""
    ca_file: Path | None = None
    """certificates to trust instead of the system's"""
    plain: Annotated[bool, Field(strict=True)] = False
    """allow `http://` to other machines"""


class TableTable(_Table):
    """A synced table of the database."""

    name: Annotated[str, Field(min_length=1)]
    """its name"""
    label: str | None = None
    """the table's name among all nodes, where it is not the same"""
    identity: str | None = None
    """the column that names records, where it is not the primary key"""
    exclude: frozenset[str] = frozenset()
    """columns that stay on this node"""
    uuids: frozenset[str] = frozenset()
    """columns of SQLite that hold UUIDs as 32 digits, as SQLAlchemy's and Django's do"""
    own_ids: Annotated[bool, Field(strict=True)] = False
    """the database gives ids that no other node gives"""


def _named(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


class NodeTable(_Table, ScheduleKeys):
    """What a `[[node]]` table may say."""

    name: NodeName
    """its name"""
    database: _Secret
    """its database: `sqlite:///` and a file, `postgresql://`, or `env:NAME`"""
    tables: Annotated[list[Annotated[TableTable, BeforeValidator(_named)]], Field(min_length=1)]
    """what is replicated: names, or tables of their own"""
    capture: Literal["triggers", "orm"] = "triggers"
    """who stamps edits: triggers of the database, or the program through SQLAlchemy's ORM"""
    batch_size: Annotated[int, Field(ge=1, strict=True)] | None = None
    """records in one exchange"""
    clock_drift_max: Annotated[int, Field(ge=0, strict=True)] = 300
    """seconds that a peer's clock may be ahead"""
    record_bytes_max: Annotated[int, Field(ge=1, le=50_000_000, strict=True)] = RECORD_BYTES_MAX_DEFAULT
    """the most bytes of one record, as JSON; larger ones are held and told"""
    delete_share: Annotated[float, Field(ge=0, le=1)] = Guard.delete_share
    """the share of a table's rows that a run may delete here without a person's word"""
    change_share: Annotated[float, Field(ge=0, le=1)] = Guard.change_share
    """the share of them on which it may blank or overwrite a column without it"""
    handful: Annotated[int, Field(ge=0, strict=True)] = Guard.handful
    """so many rows it may destroy in any case"""
    peer: AskedPeerTable | None = None
    """the node that it asks"""
    answers: list[PeerTable] = Field(default_factory=list)
    """the nodes that it answers, in the web process"""

    @model_validator(mode="after")
    def _has_somebody(self) -> Self:
        if self.peer is None and not self.answers:
            raise ValueError("it has nobody to sync with: add [node.peer] or [[node.answers]]")
        if self.peer is not None and not self.says_how_often:
            raise ValueError('it does not say how often it asks its peer: add every = "30s"')
        names = [answered.node for answered in self.answers]
        if len(names) != len(set(names)):
            raise ValueError("it answers one node twice")
        if self.name in names or (self.peer is not None and self.peer.node == self.name):
            raise ValueError("it cannot be its own peer")
        return self


@dataclass
class Node:
    """A node of this installation, ready for use. Close it when done."""

    table: NodeTable
    storage: SQLAlchemyStorage
    engine: DatabaseEngine
    transport: HttpTransport | None

    @property
    def name(self) -> str:
        """The node's name among all nodes."""
        return self.table.name

    def peers(self) -> list[tuple[str, str]]:
        """The name of each peer, and under which one the storage keeps how far it is; the asked one first."""
        answered = [(peer.node, peer.node) for peer in self.table.answers]
        return [(self.table.peer.node, self.name), *answered] if self.table.peer else answered

    def shared_ids(self) -> list[str]:
        """Tables whose ids this database gives, as a peer may do."""
        own = {each.label or each.name for each in self.table.tables if each.own_ids}
        tables = self.storage.tables.values()
        return [
            each.label for each in tables if each.label not in own and gives_ids(self.storage.database, each)
        ]

    def served(
        self,
        on_result: Callable[[DatabaseResult, str], None] = lambda result, peer: None,
        approve: Callable[[MassChangeError], bool] = refuse,
    ) -> ServedNode:
        """What the web process serves.

        Args:
            on_result: told what each exchange did here, and the peer's name.
            approve: asked where one would destroy too much here: whether a person has said that it may.
        """
        keys = {answered.node: answered.key() for answered in self.table.answers}
        return serve(
            self.engine,
            self.storage,
            keys,
            on_result,
            approve,
            record_bytes_max=self.table.record_bytes_max,
        )

    def close(self) -> None:
        """Close all connections."""
        if self.transport is not None:
            self.transport.close()
        self.storage.close()


def serve(
    engine: DatabaseEngine,
    storage: SQLAlchemyStorage,
    peers: Mapping[str, PeerKey],
    on_result: Callable[[DatabaseResult, str], None] = lambda result, peer: None,
    approve: Callable[[MassChangeError], bool] = refuse,
    *,
    record_bytes_max: int = 0,
) -> ServedNode:
    """A node for the web process (see `tasks.database.transport.server.node_routes`)."""

    def process(incoming: SyncManifest) -> SyncManifest:
        answer, result = engine.process(incoming, approve=approve)
        on_result(result, incoming.node_id)
        return answer

    nonces = DatabaseNonces(storage.database)
    return ServedNode(process, frozenset(storage.tables), peers, nonces, record_bytes_max)


def read_nodes(tables: Iterable[Mapping[str, Any]]) -> list[NodeTable]:
    """The nodes that the `[[node]]` tables describe.

    Raises:
        TaskDefinitionError: a table says something wrong; the message names it and shows no value.
    """
    nodes: list[NodeTable] = []
    for number, data in enumerate(tables, 1):
        try:
            node = NodeTable.model_validate(dict(data))
            for peer in [*node.answers, *([node.peer] if node.peer else [])]:
                peer.key()
        except ValidationError as error:
            mistakes = error.errors(include_input=False, include_url=False)
            # What is missing may only have another name.
            first = next((one for one in mistakes if one["type"] == "extra_forbidden"), mistakes[0])
            place = ".".join(map(str, first["loc"]))
            reason = str(first["msg"]).removeprefix("Value error, ")
            if first["type"] == "extra_forbidden":
                reason = f"unknown key, {nearest(str(first['loc'][-1]), _keys_beside(first['loc']))}"
            what = f"node {data.get('name')!r}" if isinstance(data.get("name"), str) else f"node {number}"
            raise TaskDefinitionError(f"{what}: {place + ': ' if place else ''}{reason}") from None
        except TaskDefinitionError as error:
            raise TaskDefinitionError(f"node {node.name!r}: {error}") from None
        nodes.append(node)
    names = [node.name for node in nodes]
    if twice := {name for name in names if names.count(name) > 1}:
        raise TaskDefinitionError(f"node {min(twice)!r} is described twice")
    return nodes


def _keys_beside(path: tuple[int | str, ...]) -> Iterable[str]:
    """The keys of the table in which a key stands."""
    within: dict[int | str, type[BaseModel]] = {
        "tables": TableTable,
        "peer": AskedPeerTable,
        "answers": PeerTable,
    }
    return (within[path[0]] if len(path) > 1 else NodeTable).model_fields


def open_node(table: NodeTable, *, lock: SyncLock | None = None, prepare: bool = True) -> Node:
    """The node of a `[[node]]` table; with `prepare` its edits are captured from now on.

    Lockstep's own tables are made in any case.

    Raises:
        TaskDefinitionError: a table or column is not there, or the address cannot be used.
        NodeDatabaseError: the database cannot be reached.
    """
    database = Database(table.database.get_secret_value())
    try:
        tables = [
            SyncedTable.reflect(
                database,
                each.name,
                label=each.label,
                identity=each.identity,
                exclude=each.exclude,
                uuids=each.uuids,
            )
            for each in table.tables
        ]
        beside = None
        if database.dialect != "sqlite":
            beside = beside_server(database.engine, table.name, get_settings().state_dir)
        storage = SQLAlchemyStorage(database, tables, beside=beside)
        storage.make_tables()
        if prepare:
            storage.prepare(triggers=table.capture == "triggers")
        transport = _transport(table)
        engine = DatabaseEngine(
            storage,
            graph_of(tables),
            HybridLogicalClock(),
            table.name,
            batch_size=table.batch_size,
            clock_drift_max=table.clock_drift_max,
            lock=lock,
            record_bytes_max=table.record_bytes_max,
            transport=transport,
            guard=Guard(table.delete_share, table.change_share, table.handful),
        )
    except BaseException:
        database.close()
        raise
    node = Node(table, storage, engine, transport)
    if prepare:
        _tell_shared_ids(node)
    return node


#: Nodes of which it was told in this process.
_told: set[str] = set()


def _tell_shared_ids(node: Node) -> None:
    if node.name not in _told and (labels := node.shared_ids()):
        log.warning("Node %r: %s: %s.", node.name, ", ".join(labels), ADVICE)
    _told.add(node.name)


def _transport(table: NodeTable) -> HttpTransport | None:
    peer = table.peer
    if peer is None:
        return None
    return HttpTransport(
        peer.url,
        node_id=table.name,
        peer=peer.node,
        key=peer.key(),
        sent_max=wire.sent_max_for(table.record_bytes_max),
        ca_file=peer.ca_file,
        plain=peer.plain,
    )
