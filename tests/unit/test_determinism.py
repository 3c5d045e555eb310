"""The time and the random bytes can be fixed."""

import os
import time

import pytest

from app import determinism
from app.store.collections.identity import new_uuid


@pytest.fixture(autouse=True)
def restored(monkeypatch):
    for name in ("random_bytes", "now", "clock"):
        monkeypatch.setattr(determinism, name, getattr(determinism, name))


def test_it_is_the_world_as_it_is():
    assert determinism.random_bytes is os.urandom
    assert determinism.now is time.time
    assert determinism.clock is time.perf_counter


def test_the_time_stands_still():
    determinism.fix(b"")
    assert determinism.now() == determinism.now() == 1_722_470_400
    assert determinism.clock() == determinism.clock()


def test_identities_repeat_and_each_is_there_once():
    runs = []
    for seed in (b"one", b"one", b"other"):
        determinism.fix(seed)
        runs.append([new_uuid() for _ in range(1000)])
    one, again, other = runs
    assert one == again
    assert len({*one, *other}) == 2000
    assert len(determinism.random_bytes(8)) == 8


def test_a_position_is_gone_on_from():
    determinism.fix(b"")
    new_uuid()
    position = determinism.position()
    following = [new_uuid() for _ in range(3)]
    determinism.begin(position)
    assert [new_uuid() for _ in range(3)] == following
