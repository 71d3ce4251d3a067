"""The migrations add up to the schema, on both engines, and a database belongs to one chain for ever."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from storage import schema
from storage.errors import BadDatabaseUrl, DatabaseUnavailable, SchemaOutdated, WrongBinding
from storage.market import tasks
from storage.records import Task
from storage.store import LOCAL, Storage
from tests.storage.items import a_task
from tests.storage.looking import count, dump, opened
from tests.support.databases import GENESIS

T = TypeVar("T")


async def _inspect(storage: Storage, look: Callable[[Connection], T]) -> T:
    return await storage.read(lambda tx: look(tx.connection))


async def test_from_empty_they_lead_to_the_schema(empty_url: str) -> None:
    async with opened(empty_url, LOCAL) as storage:

        def differences(connection: Connection) -> list[Any]:
            options = {"compare_type": True, "compare_server_default": True, "include_name": _in_schema}
            context = MigrationContext.configure(connection, opts=options)
            return list(compare_metadata(context, schema.metadata))

        assert await _inspect(storage, differences) == []


def _in_schema(name: str | None, kind: str, parents: Any) -> bool:
    """The search index, and what FTS5 keeps it in, is only in the migrations."""
    return kind != "table" or not str(name).startswith("transcript_search")


async def test_checks_indexes_and_keys_are_to_the_word_those_of_the_schema(empty_url: str) -> None:
    """Alembic compares neither checks nor conditions of indexes: the database is asked for their words."""
    async with opened(empty_url, LOCAL) as storage:
        migrated = await _inspect(storage, _described)

        def make_anew(connection: Connection) -> None:
            for what in ("VIEW active_sessions", "VIEW pending_approvals", "TABLE transcript_search"):
                connection.exec_driver_sql(f"DROP {what}")
            schema.metadata.drop_all(connection)
            schema.metadata.create_all(connection)

        await storage._engine.write(make_anew)
        made = await _inspect(storage, _described)
    assert len([words for words in made if words[1] == "check"]) > 30
    assert migrated == made


def _described(connection: Connection) -> list[tuple[str, str, str]]:
    inspector = inspect(connection)
    found = []
    for table in schema.metadata.tables:
        parts = {
            "column": [f"{c['name']} {c['type']} {c['nullable']}" for c in inspector.get_columns(table)],
            "check": [f"{c['name']} {c['sqltext']}" for c in inspector.get_check_constraints(table)],
            "index": [_index(entry) for entry in inspector.get_indexes(table)],
            "foreign key": [str(sorted(k.items(), key=str)) for k in inspector.get_foreign_keys(table)],
            "primary key": [str(inspector.get_pk_constraint(table))],
        }
        found += [(table, kind, words) for kind, entries in parts.items() for words in entries]
    return sorted(found)


def _index(entry: Any) -> str:
    options = {name: str(words) for name, words in entry.get("dialect_options", {}).items()}
    return f"{entry['name']} {entry['unique']} {entry['column_names']} {options}"


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("tasks", "status", "unheard_of"),
        ("tasks", "escrow_status", ""),
        ("tasks", "pending_action", "dance"),
        ("tasks", "verification_level", "none"),
        ("tasks", "max_budget", b"\x01"),
        ("tasks", "description", "x" * 10_241),
        ("tasks", "last_error", "x" * 513),
        ("extrinsics", "status", "lost"),
        ("database_state", "id", 2),
    ],
)
async def test_the_database_itself_refuses_what_no_record_can_hold(
    chained: Storage, table: str, column: str, value: object
) -> None:
    await chained.commit(tasks.create, a_task())
    before = await dump(chained)
    changing = schema.metadata.tables[table].update().values({column: value})
    with pytest.raises(IntegrityError):
        await chained._engine.write(lambda connection: connection.execute(changing))
    assert await dump(chained) == before


async def test_what_was_committed_is_there_after_a_restart(lasting_url: str) -> None:
    async with opened(lasting_url, LOCAL) as storage:
        task: Task = (await storage.commit(tasks.create, a_task())).record
        before = await dump(storage)
    async with opened(lasting_url, LOCAL) as storage:
        assert await dump(storage) == before
        assert (await storage.fetch(tasks.get, task.task_id)).task == task


async def test_several_databases_of_one_process_are_made_at_once(
    tmp_path: Path, unmigrated_postgres_url: str
) -> None:
    urls = [f"sqlite:///{tmp_path}/{number}.db" for number in range(4)]
    storages = [Storage.open(url) for url in (*urls, unmigrated_postgres_url)]
    await asyncio.gather(*(storage.prepare(LOCAL) for storage in storages))
    for storage in storages:
        assert (await storage.commit(tasks.create, a_task())).record.revision == 1
        await storage.close()


async def test_a_newer_database_is_refused_and_left_alone(lasting_url: str) -> None:
    async with opened(lasting_url, LOCAL) as storage:
        await storage.commit(tasks.create, a_task())
        await storage._engine.write(
            lambda connection: connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        )
        before = await dump(storage)
    storage = Storage.open(lasting_url)
    with pytest.raises(SchemaOutdated, match="newer"):
        await storage.prepare(LOCAL)
    with pytest.raises(DatabaseUnavailable):
        await storage.commit(tasks.create, a_task())
    assert (
        await storage._engine.read(lambda c: c.exec_driver_sql("SELECT count(*) FROM tasks").scalar())
    ) == 1
    await storage.close()
    assert before["tasks"]


@pytest.mark.parametrize(("first", "second"), [(LOCAL, GENESIS), (GENESIS, LOCAL), (GENESIS, "cd" * 32)])
async def test_a_binding_is_for_ever(lasting_url: str, first: str, second: str) -> None:
    async with opened(lasting_url, first):
        pass
    with pytest.raises(WrongBinding, match="cannot be bound again"):
        async with opened(lasting_url, second):
            pass
    async with opened(lasting_url, first) as storage:
        assert storage.binding == first


async def test_of_two_bindings_at_once_one_is_refused(postgres_url: str) -> None:
    async def bind(binding: str) -> str:
        async with opened(postgres_url, binding) as storage:
            return storage.binding

    answers = await asyncio.gather(bind(LOCAL), bind(GENESIS), return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == ["WrongBinding", "str"]


class TestAFile:
    async def test_has_one_owner_at_a_time(self, file_url: str) -> None:
        async with opened(file_url, LOCAL):
            with pytest.raises(BadDatabaseUrl, match="in use"):
                Storage.open(file_url)
        async with opened(file_url, LOCAL) as storage:
            assert await count(storage, "tasks") == (0,)

    async def test_has_one_owner_whatever_links_lead_to_it(self, file_url: str, tmp_path: Path) -> None:
        link = tmp_path / "link.db"
        link.symlink_to(file_url.removeprefix("sqlite:///"))
        async with opened(file_url, LOCAL):
            with pytest.raises(BadDatabaseUrl, match="in use"):
                Storage.open(f"sqlite:///{link}")

    async def test_is_made_with_its_folders(self, tmp_path: Path) -> None:
        async with opened(f"sqlite:///{tmp_path}/a/b/c.db", LOCAL):
            assert (tmp_path / "a/b/c.db").exists()

    async def test_that_is_something_else_is_refused_and_left_alone(self, tmp_path: Path) -> None:
        path = tmp_path / "letter.txt"
        path.write_bytes(b"Dear Ada, " * 1000)
        with pytest.raises(BadDatabaseUrl, match="not a SQLite database"):
            async with opened(f"sqlite:///{path}", LOCAL):
                pass
        assert path.read_bytes() == b"Dear Ada, " * 1000

    async def test_cannot_be_a_folder(self, tmp_path: Path) -> None:
        with pytest.raises(BadDatabaseUrl, match="Is a directory"):
            Storage.open(f"sqlite:///{tmp_path}")

    async def test_leaves_no_thread_behind(self, file_url: str) -> None:
        before = set(threading.enumerate())
        async with opened(file_url, LOCAL) as storage:
            await count(storage, "tasks")
            assert any(thread.name.startswith("sqlite") for thread in set(threading.enumerate()) - before)
        left = set(threading.enumerate()) - before
        assert not [thread for thread in left if thread.name.startswith("sqlite")]


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("", "not a URL"),
        ("chamberlain.db", "not a URL"),
        ("postgresql://user@host:port/name", "not a URL"),
        ("postgresql://localhost", "names no database"),
        ("postgresql://localhost/name?target_session_attrs=any&sslmode=require", "target_session_attrs"),
        ("mysql://localhost/name", "mysql"),
    ],
)
async def test_a_url_that_cannot_be_used_is_refused_in_words(url: str, complaint: str) -> None:
    with pytest.raises(BadDatabaseUrl, match=complaint) as error:
        Storage.open(url)
    assert "password" not in str(error.value).replace("user:password", "")


async def test_a_url_may_say_how_to_encrypt(postgres_url: str) -> None:
    async with opened(f"{postgres_url}?sslmode=disable", LOCAL) as storage:
        assert await count(storage, "tasks") == (0,)
