"""What tests lean on: a transaction in another database of a PostgreSQL server holds up no test that reads the log."""

from __future__ import annotations

import threading

from tests import servers
from tests.tenant_watch import watching

from supportkit import Desk
from supportkit.storage.sql import SqlStorage


def test_a_patient_storage_waits_for_a_stranger_on_the_server() -> None:
    with servers.database(servers.POSTGRESQL) as url, servers.database(servers.POSTGRESQL) as strange:
        plain, patient = SqlStorage(url), servers.opened(url)
        stranger = servers.driver_connection(strange)
        stranger.execute("SELECT pg_current_xact_id()")
        with Desk(plain) as desk:
            desk.open("printer", author="agent:kim")
            assert list(desk.follow("plain")) == []
            threading.Timer(0.3, stranger.rollback).start()
            with watching() as wrong, patient.begin(desk.tenant, write=False) as unit:
                assert len(unit.events_after(None, 10)) == 1
            assert wrong == []
        plain.close()
        patient.close()
        stranger.close()
