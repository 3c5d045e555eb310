"""A stream that never keeps its writer waiting."""

import contextlib
import os
import pty
import re
import socket
import sys
import termios
import threading

import pytest

from app import nonblocking
from app.nonblocking import MOST_WAITING, NonBlockingStream
from tests.serving import wait_for

NOTICE = re.compile(rb"(\d+) dropped\n")


def notice(number):
    return b"%d dropped\n" % number


@contextlib.contextmanager
def pipe():
    """Two ends: to read from, to write to."""
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


@contextlib.contextmanager
def sockets():
    ends = socket.socketpair()
    yield tuple(end.fileno() for end in ends)
    for end in ends:
        end.close()


@contextlib.contextmanager
def terminal():
    ends = pty.openpty()
    attributes = termios.tcgetattr(ends[1])
    attributes[1] &= ~termios.OPOST
    termios.tcsetattr(ends[1], termios.TCSANOW, attributes)
    yield ends
    for end in ends:
        os.close(end)


KINDS = [pipe, sockets, terminal]


@pytest.fixture(params=["at once", "by a thread"])
def sender(request, monkeypatch):
    """Whether the kind of descriptor can be written to without waiting."""
    if request.param == "by a thread":
        monkeypatch.setattr(nonblocking, "_sender", lambda _descriptor: None)


def read(end, size):
    """So many bytes at least."""
    content = b""
    while len(content) < size:
        content += os.read(end, 65536)
    return content


@pytest.mark.parametrize("kind", KINDS)
def test_a_line_is_there_when_it_has_been_written(kind):
    with kind() as (reader, writer):
        stream = NonBlockingStream(writer, notice)
        for number in range(10):
            line = b"line %d\n" % number
            assert stream.write(line) == len(line)
            assert read(reader, len(line)) == line
        assert stream._thread is None


@pytest.mark.parametrize("name", ["log", os.devnull])
def test_a_file_is_written_to_without_a_thread(tmp_path, monkeypatch, name):
    monkeypatch.setattr(threading, "Thread", None)
    path = tmp_path / name
    with path.open("wb") as file:
        stream = NonBlockingStream(file.fileno(), notice)
        lines = [b"line %d\n" % number for number in range(100)]
        for line in lines:
            assert stream.write(line) == len(line)
        stream.drain()
        if name != os.devnull:
            assert path.read_bytes() == b"".join(lines)


@pytest.mark.parametrize("kind", KINDS)
def test_lines_that_nobody_reads_are_dropped_and_counted_and_told_of_when_somebody_does(kind, sender):
    lines = [b"%06d %s\n" % (number, b"x" * 300) for number in range(2000)]
    counted = []
    with kind() as (reader, writer):
        stream = NonBlockingStream(writer, notice)
        stream.tell_dropped = lambda: counted.append(1)
        # It never waits: nobody reads.
        for line in lines:
            stream.write(line)
        content, found = b"", 0
        while found < len(lines):
            content += os.read(reader, 65536)
            whole = content[: content.rfind(b"\n") + 1]
            told = [int(number) for number in NOTICE.findall(whole)]
            found = whole.count(b"\n") - len(told) + sum(told)
        assert len(counted) == sum(told) > 0
        assert len(content) >= MOST_WAITING / 2
        number = 0
        for line in content.splitlines(keepends=True):
            if notice_ := NOTICE.fullmatch(line):
                number += int(notice_[1])
            else:
                assert line == lines[number]
                number += 1
        stream.drain()
        stream.write(b"again\n")
        assert read(reader, 6) == b"again\n"


@pytest.mark.parametrize("kind", KINDS)
def test_lines_keep_their_order_and_are_whole_whoever_writes_them(kind, sender):
    # Longer ones than a pipe takes at once.
    lines = {name: [b"%d %d %s\n" % (name, n, b"x" * 100 * n) for n in range(50)] for name in range(2)}
    total = sum(len(line) for own in lines.values() for line in own)
    assert total < MOST_WAITING
    with kind() as (reader, writer):
        stream = NonBlockingStream(writer, notice)
        writers = [
            threading.Thread(target=lambda own=own: [stream.write(line) for line in own]) for own in lines.values()
        ]
        for thread in writers:
            thread.start()
        content = b""
        while len(content) < total:
            content += os.read(reader, 1000)
        for thread in writers:
            thread.join()
        stream.drain()
    found = content.splitlines(keepends=True)
    for name, own in lines.items():
        assert [line for line in found if line.startswith(b"%d " % name)] == own


def test_a_reader_that_has_gone_is_not_missed(sender):
    reader, writer = os.pipe()
    stream = NonBlockingStream(writer, notice)
    stream.write(b"line\n" * 20_000)
    os.close(reader)
    for _ in range(10):
        stream.write(b"line\n")
    stream.drain()
    wait_for(lambda: stream._thread is None, "the end of what waited")
    stream.write(b"line\n")
    os.close(writer)


def test_the_descriptor_stays_as_it_was_for_those_who_share_it():
    with pipe() as (_, writer):
        stream = NonBlockingStream(writer, notice)
        stream.write(b"line\n" * 20_000)
        assert os.get_blocking(writer)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux opens a terminal anew by its descriptor")
def test_a_terminal_that_was_stopped_keeps_nobody_waiting():
    with terminal() as (reader, writer):
        stream = NonBlockingStream(writer, notice)
        termios.tcflow(writer, termios.TCOOFF)
        for number in range(100):
            stream.write(b"%d\n" % number)
        termios.tcflow(writer, termios.TCOON)
        wanted = b"".join(b"%d\n" % number for number in range(100))
        assert read(reader, len(wanted)) == wanted
        stream.drain()


def test_the_end_does_not_wait_for_ever(sender):
    with pipe() as (reader, writer):
        stream = NonBlockingStream(writer, notice)
        stream.write(b"line\n" * 20_000)
        thread = stream._thread
        stream.drain(0.01)
        assert thread.is_alive()
        os.set_blocking(reader, False)
        while thread.is_alive():
            with contextlib.suppress(BlockingIOError):
                os.read(reader, 65536)
