"""The listening socket of a server."""

import errno
import socket
import sys
from typing import NoReturn

import click

from app.settings import Settings


def listener_or_exit(settings: Settings) -> socket.socket:
    """Bind the address of the settings.

    Exits with one message on failure: 2 if `FLOWS_HOST` is not an address of this machine, 1 if the port is taken or not allowed.

    :returns: a bound socket, which does not listen yet
    """
    host, port = settings.host, settings.port
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError:
        _exit(2, f"FLOWS_HOST: {host!r} is not an address of this machine. Give 127.0.0.1, or 0.0.0.0 for all of them.")
    listener = socket.socket(family, kind, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            _exit(1, f"Port {port} of {host} is taken. Set FLOWS_PORT to another one; 0 takes a free one.")
        if error.errno == errno.EACCES:
            _exit(1, f"Port {port} needs rights that this user does not have. Set FLOWS_PORT to 1024 or above.")
        _exit(2, f"FLOWS_HOST: {host!r} is not an address of this machine: {error.strerror}.")
    return listener


def _exit(code: int, message: str) -> NoReturn:
    click.echo(f"flows: {message}", err=True)
    sys.exit(code)
