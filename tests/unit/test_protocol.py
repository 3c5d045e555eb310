"""When a connection that nothing comes on is closed, and what a connection costs."""

import gc
import heapq
import itertools
import weakref

import pytest
import uvicorn
from uvicorn.server import ServerState

from app.contract.serve.asgi import BEGIN, WHOLE, Committing
from app.server.protocol import PATIENCE, Protocol

REQUEST = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"
# Seconds.
KEPT = 5


class Timer:
    """A call that is to come."""

    def __init__(self, call):
        self.call = call

    def cancel(self):
        self.call = None


class Loop:
    """An event loop whose time goes on when it is told to."""

    def __init__(self):
        self.now = 0.0
        self.set = 0
        self.tasks = 0
        self._timers, self._tasks, self._soon = [], [], []
        self._order = itertools.count()

    def time(self):
        return self.now

    def call_later(self, delay, call):
        self.set += 1
        timer = Timer(call)
        heapq.heappush(self._timers, (self.now + delay, next(self._order), timer))
        return timer

    def call_soon(self, call, *arguments):
        self._soon.append((call, arguments))

    def create_task(self, coroutine):
        self.tasks += 1
        self._tasks.append(coroutine)
        return self

    def add_done_callback(self, _callback):
        """As a task has it."""

    def pending(self):
        return [timer for _, _, timer in self._timers if timer.call is not None]

    def run(self):
        while self._soon or self._tasks:
            soon, self._soon = self._soon, []
            for call, arguments in soon:
                call(*arguments)
            tasks, self._tasks = self._tasks, []
            for coroutine in tasks:
                with pytest.raises(StopIteration):
                    coroutine.send(None)

    def go_on(self, until):
        while self._timers and self._timers[0][0] <= until:
            self.now, _, timer = heapq.heappop(self._timers)
            if timer.call is not None:
                timer.call()
        self.now = until


class Transport:
    """A connection that keeps what is written to it."""

    def __init__(self):
        self.written = b""
        self.closed = self.aborted = False
        # Bytes that the client has not taken in.
        self.unread = 0

    def write(self, data):
        self.written += data

    def close(self):
        self.closed = True

    def abort(self):
        self.closed = self.aborted = True

    def is_closing(self):
        return self.closed

    def get_write_buffer_size(self):
        return self.unread

    def get_extra_info(self, _name):
        return None

    def set_protocol(self, protocol):
        self.protocol = protocol

    def pause_reading(self):
        """As asyncio has it."""

    resume_reading = write_eof = pause_reading


def send_whole(scope, body=b"a"):
    assert scope["extensions"][WHOLE]["send"](200, b"content-length: 1\r\n", body)


class Connection:
    """A connection to an application that answers at once, or when it is told to.

    :param begin: serves requests without a task, as `ContractMiddleware` offers to
    """

    def __init__(self, begin=None):
        self.loop, self.transport = Loop(), Transport()
        self.at_once = True
        config = uvicorn.Config(self._serve, access_log=False, ws="none", interface="asgi3", timeout_keep_alive=KEPT)
        config.load()
        state = {} if begin is None else {BEGIN: begin}
        self.protocol = Protocol(config, ServerState(), state, _loop=self.loop)
        self.protocol.connection_made(self.transport)

    async def _serve(self, scope, _receive, _send):
        send_whole(scope)

    def ask(self, data=REQUEST):
        self.protocol.data_received(data)
        if self.at_once:
            self.loop.run()

    def is_open_at(self, now):
        self.loop.go_on(now)
        return not self.transport.closed


def answer_at_once(scope, _receive, _send):
    send_whole(scope)


@pytest.fixture(params=[None, answer_at_once], ids=["with a task", "without a task"])
def connection(request):
    return Connection(request.param)


def test_it_is_closed_a_while_after_the_last_answer(connection):
    connection.ask()
    assert connection.is_open_at(3)
    connection.ask()
    assert connection.is_open_at(3 + KEPT - 0.1)
    assert not connection.is_open_at(3 + KEPT)
    assert connection.transport.written.count(b"HTTP/1.1 200") == 2


@pytest.mark.parametrize("unread", [0, 416])
def test_a_client_that_takes_nothing_in_does_not_keep_a_connection_that_was_closed(connection, unread):
    connection.ask()
    connection.transport.unread = unread
    assert not connection.is_open_at(KEPT)
    connection.loop.go_on(KEPT + PATIENCE - 0.1)
    assert not connection.transport.aborted
    connection.loop.go_on(KEPT + PATIENCE)
    assert connection.transport.aborted is (unread > 0)


def test_a_request_has_a_deadline_of_its_own(connection):
    connection.ask(REQUEST[:5])
    for second in range(1, 3 * PATIENCE):
        connection.loop.go_on(second)
        connection.ask(REQUEST[5:] + REQUEST[:5])
    assert b" 408 " not in connection.transport.written
    connection.loop.go_on(4 * PATIENCE)
    assert b" 408 " in connection.transport.written


def test_the_names_of_its_attributes_are_kept_once_for_all(connection):
    connection.ask()
    # More than 30, and CPython keeps the names with each instance, in four times as much memory.
    assert len(vars(connection.protocol)) <= 30


def test_many_requests_need_one_timer(connection):
    connection.ask()
    known = connection.loop.set
    for n in range(100):
        connection.loop.go_on(n / 100)
        connection.ask()
    assert connection.loop.set == known
    assert not connection.is_open_at(0.99 + KEPT)


@pytest.fixture
def slow(connection):
    """A connection with a request, after another one, that is not answered yet."""
    connection.ask()
    connection.loop.go_on(4)
    connection.at_once = False
    connection.ask()
    return connection


def test_it_is_not_closed_before_a_request_is_answered(slow):
    assert slow.is_open_at(100)
    slow.loop.run()
    assert slow.is_open_at(100 + KEPT - 0.1)
    assert not slow.is_open_at(100 + KEPT)


def test_it_is_not_closed_while_a_request_comes_in(connection):
    connection.ask()
    connection.loop.go_on(4)
    connection.ask(REQUEST[:10])
    assert connection.is_open_at(4 + PATIENCE - 0.1)
    connection.ask(REQUEST[10:])
    assert connection.is_open_at(4 + PATIENCE + 1)
    assert connection.transport.written.count(b"HTTP/1.1 200") == 2


def test_no_timer_stays_behind_a_connection_that_was_lost(connection):
    connection.ask()
    assert connection.loop.pending()
    connection.protocol.connection_lost(None)
    assert not connection.loop.pending()


def test_a_connection_that_was_lost_leaves_no_garbage(connection):
    connection.ask()
    protocol = weakref.ref(connection.protocol)
    gc.disable()
    try:
        connection.protocol.connection_lost(None)
        connection.loop.go_on(PATIENCE)
        del connection.protocol
        assert protocol() is None
    finally:
        gc.enable()


def test_a_request_with_nothing_to_wait_for_needs_no_task():
    connection = Connection(answer_at_once)
    connection.ask()
    assert connection.transport.written.endswith(b"\r\n\r\na")
    assert connection.loop.tasks == 0


def test_the_rest_of_a_request_is_a_task():
    connection = Connection(lambda scope, _receive, _send: connection._serve(scope, _receive, _send))
    connection.ask()
    assert connection.transport.written.count(b"HTTP/1.1 200") == 1
    assert connection.loop.tasks == 1


def test_requests_begin_when_all_have_been_read_that_came_together():
    order = []

    def begin(scope, _receive, _send):
        order.append("begun")
        send_whole(scope)

    one, other = Connection(begin), Connection(begin)
    other.protocol.loop = one.loop
    one.at_once = other.at_once = False
    for connection in (one, other):
        connection.ask()
        order.append("read")
    one.loop.run()
    assert order == ["read", "read", "begun", "begun"]


def test_requests_of_one_connection_are_answered_one_after_the_other():
    bodies = iter([b"a", b"b", b"c"])
    connection = Connection(lambda scope, _receive, _send: send_whole(scope, next(bodies)))
    connection.ask(REQUEST * 3)
    assert [response[-1:] for response in connection.transport.written.split(b"HTTP/1.1 ")[1:]] == [b"a", b"b", b"c"]


def test_an_application_that_fails_to_begin_answers_500():
    def begin(*_):
        raise ZeroDivisionError

    connection = Connection(begin)
    connection.ask()
    assert connection.transport.written.startswith(b"HTTP/1.1 500")
    assert connection.loop.tasks == 1


class Commit:
    """A commit that ends when it is told to."""

    def add_done_callback(self, call):
        self.end = lambda: call(self)


def test_a_request_that_waits_for_its_commit_is_answered_afterwards_without_a_task():
    commit = Commit()
    connection = Connection(lambda scope, _receive, _send: Committing(commit, lambda _: send_whole(scope)))
    connection.ask()
    assert connection.transport.written == b""
    commit.end()
    assert connection.transport.written.count(b"HTTP/1.1 200") == 1
    assert connection.loop.tasks == 0


def test_a_request_whose_commit_failed_is_served_by_a_task():
    commit = Commit()
    connection = Connection(
        lambda *exchange: Committing(commit, lambda _: connection._serve(*exchange)),
    )
    connection.ask()
    commit.end()
    connection.loop.run()
    assert connection.transport.written.count(b"HTTP/1.1 200") == 1
    assert connection.loop.tasks == 1
