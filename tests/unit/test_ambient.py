"""The time and the random bytes can be fixed."""

import os
import time

import pytest

from app import ambient
from app.store.identity import new_uuid


@pytest.fixture(autouse=True)
def restored(monkeypatch):
    for name in ("random_bytes", "now", "clock"):
        monkeypatch.setattr(ambient, name, getattr(ambient, name))


def test_it_is_the_world_as_it_is():
    assert ambient.random_bytes is os.urandom
    assert ambient.now is time.time
    assert ambient.clock is time.perf_counter


def test_the_time_stands_still():
    ambient.fix(b"")
    assert ambient.now() == ambient.now() == 1_722_470_400
    assert ambient.clock() == ambient.clock()


def test_identities_repeat_and_each_is_there_once():
    runs = []
    for seed in (b"one", b"one", b"other"):
        ambient.fix(seed)
        runs.append([new_uuid() for _ in range(1000)])
    one, again, other = runs
    assert one == again
    assert len({*one, *other}) == 2000
    assert len(ambient.random_bytes(8)) == 8


def test_a_position_is_gone_on_from():
    ambient.fix(b"")
    new_uuid()
    position = ambient.position()
    following = [new_uuid() for _ in range(3)]
    ambient.begin(position)
    assert [new_uuid() for _ in range(3)] == following
