"""A mail server on a free port of this machine, in a thread of the test's process (RFC 5321)."""

import contextlib
import email
import email.policy
import socketserver
import threading

_REPLIES = {"DATA": "354 go on", "QUIT": "221 bye", "AUTH": "235 ok"}


class _Handler(socketserver.StreamRequestHandler):
    def handle(self):
        self._say("220 ready")
        while line := self.rfile.readline().decode().strip():
            verb = line.partition(" ")[0].upper()
            self.server.lines.append(line)
            if verb == "EHLO":
                self._say("250-here\r\n250 AUTH PLAIN")
            elif verb == self.server.refused:
                self._say("550 no such mailbox")
            else:
                self._say(_REPLIES.get(verb, "250 ok"))
            if verb == "DATA":
                self._read()
            if verb == "QUIT":
                return

    def _read(self):
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line.removeprefix(b"."))
        self.server.messages.append(email.message_from_bytes(b"".join(lines), policy=email.policy.default))
        self._say("250 kept")
        self.server.arrived.set()

    def _say(self, line):
        self.wfile.write(f"{line}\r\n".encode())


@contextlib.contextmanager
def mail_server(refused=""):
    """A mail server, with the `messages` that it has got, and the `lines` of its clients.

    :param refused: the verb that it refuses
    """
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Handler) as server:
        server.daemon_threads = True
        server.messages, server.lines, server.refused, server.arrived = [], [], refused, threading.Event()
        server.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()
