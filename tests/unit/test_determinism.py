"""The time and the random bytes can be fixed."""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from app import determinism
from app.store.collections.identity import new_uuid


@pytest.fixture
def restored():
    with determinism.fixed(b""):
        yield


def test_it_is_the_world_as_it_is():
    with determinism.fixed(b""):
        assert determinism.is_fixed()
    assert not determinism.is_fixed()
    assert determinism.random_bytes is os.urandom
    assert determinism.now is time.time
    assert determinism.clock is time.perf_counter


# Each of two processes writes identifiers, the second one a copy of the first after this has made some.
FORKED = """
import os
from app import determinism

made = [determinism.identifying_bytes(16).hex() for _ in range(10)]
child = os.fork()
made = [*(made if child else ()), *(determinism.identifying_bytes(16).hex() for _ in range(300))]
if child:
    os.waitpid(child, 0)
print(*made, sep="\\n", flush=True)
"""


def test_identifiers_of_threads_are_all_different():
    with ThreadPoolExecutor(8) as threads:
        made = [*threads.map(determinism.identifying_bytes, [16] * 3000)]
    assert len(made) == len(set(made))
    assert {len(one) for one in made} == {16}
    assert len(determinism.identifying_bytes(10)) == 10


def test_identifiers_of_forked_processes_are_all_different():
    run = subprocess.run([sys.executable, "-c", FORKED], capture_output=True, check=True, text=True)
    made = run.stdout.split()
    assert len(made) == len(set(made)) == 610


@pytest.mark.usefixtures("restored")
def test_the_time_stands_still():
    determinism.fix(b"")
    assert determinism.now() == determinism.now() == 1_722_470_400
    assert determinism.clock() == determinism.clock()


@pytest.mark.usefixtures("restored")
def test_identities_repeat_and_each_is_there_once():
    runs = []
    for seed in (b"one", b"one", b"other"):
        determinism.fix(seed)
        runs.append([new_uuid() for _ in range(1000)])
    one, again, other = runs
    assert one == again
    assert len({*one, *other}) == 2000
    assert len(determinism.random_bytes(8)) == 8


@pytest.mark.usefixtures("restored")
def test_a_position_is_gone_on_from():
    determinism.fix(b"")
    new_uuid()
    position = determinism.position()
    following = [new_uuid() for _ in range(3)]
    determinism.begin(position)
    assert [new_uuid() for _ in range(3)] == following
