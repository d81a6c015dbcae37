# SPDX-License-Identifier: GPL-2.0-or-later
"""SIP over TCP and TLS by hand, and the certificates for it."""

import os
import queue
import re
import select
import socket
import ssl
import subprocess
import threading

from sipua import Agent, Message


def cut(data):
    """(messages, rest) of what came on a stream; line ends between are kept
    as messages of their own."""
    messages = []
    while data:
        if data.startswith(b"\r\n"):
            messages.append(data[:2])
            data = data[2:]
            continue
        head, mark, rest = data.partition(b"\r\n\r\n")
        if not mark:
            break
        length = re.search(rb"(?im)^(?:content-length|l)\s*:\s*(\d+)", head)
        size = int(length.group(1)) if length else 0
        if len(rest) < size:
            break
        messages.append(head + mark + rest[:size])
        data = rest[size:]
    return messages, data


class Connection:
    """One connection of an agent, read by a thread of its own."""

    def __init__(self, agent, sock):
        self.agent, self.socket, self.closed = agent, sock, threading.Event()
        self.peer = sock.getpeername()[:2]
        sock.settimeout(0.1)
        # The state of TLS is not for two threads at a time.
        self.lock = threading.Lock()
        agent.connections[self.peer] = self
        self.thread = threading.Thread(target=self._read)
        self.thread.start()

    def _read(self):
        rest, poll = b"", select.poll()
        poll.register(self.socket, select.POLLIN)
        while self.agent.alive:
            try:
                if not poll.poll(100):
                    continue
                with self.lock:
                    data = self.socket.recv(65535)
            except (TimeoutError, ssl.SSLWantReadError):
                continue
            except (OSError, ValueError):
                break
            if not data:
                break
            messages, rest = cut(rest + data)
            for raw in messages:
                if raw == b"\r\n":
                    self.agent.pongs.put(raw)
                    continue
                message = Message(raw, self.peer)
                self.agent.seen.append(message)
                self.agent.inbox.put(message)
        self.closed.set()

    def send(self, data):
        with self.lock:
            self.socket.sendall(data)

    def certificate(self):
        with self.lock:
            return self.socket.getpeercert()

    def close(self):
        try:
            self.socket.close()
        except OSError:
            pass


class StreamAgent(Agent):
    """A user agent that reaches the edge by one connection."""

    def __init__(self, user, address, edge, *, port=0, edge_port=5060,
                 context=None, name=None, password="pw",
                 domain="example.com"):
        self._init(user, address, edge, password, domain)
        self.transport = "TLS" if context else "TCP"
        self.edge = (edge, edge_port)
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((address, port))
        sock.settimeout(4)
        sock.connect(self.edge)
        if context:
            sock = context.wrap_socket(sock, server_hostname=name)
        self.port = sock.getsockname()[1]
        if ":" in address:
            self.address = f"[{address}]"
        self.connection = Connection(self, sock)

    def _init(self, user, address, edge, password, domain):
        self.user, self.address, self.edge = user, address, (edge, 5060)
        self.password, self.domain = password, domain
        self.inbox, self.pongs = queue.Queue(), queue.Queue()
        self.seen, self.kept, self.alive = [], [], True
        self.connections = {}

    def close(self):
        self.alive = False
        self.connection.thread.join()
        self.connection.close()

    def hang_up(self):
        """Ends the connection, as a phone that loses its power does not."""
        self.connection.socket.close()

    def send(self, text, to=None):
        data = text if isinstance(text, bytes) else text.encode("latin-1")
        self.connection.send(data)

    @property
    def contact(self):
        return (f"<sip:{self.user}@{self.address}:{self.port}"
                f";transport={self.transport.lower()}>")


class StreamServer(StreamAgent):
    """A user agent that the edge connects to."""

    def __init__(self, user, address, edge, *, port=5060, context=None,
                 password="pw", domain="example.com"):
        self._init(user, address, edge, password, domain)
        self.transport, self.port = ("TLS" if context else "TCP"), port
        self.context = context
        self.names, self.failed = [], []
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.listener = socket.socket(family, socket.SOCK_STREAM)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((address, port))
        self.listener.listen()
        self.listener.settimeout(0.1)
        if context:
            context.sni_callback = self._on_name
        self.thread = threading.Thread(target=self._accept)
        self.thread.start()

    def _on_name(self, _socket, name, _context):
        self.names.append(name)

    def _accept(self):
        while self.alive:
            try:
                sock, _ = self.listener.accept()
            except (TimeoutError, OSError):
                continue
            if self.context:
                try:
                    sock.settimeout(2)
                    sock = self.context.wrap_socket(sock, server_side=True)
                except OSError as error:
                    self.failed.append(str(error))
                    continue
            Connection(self, sock)

    def close(self):
        self.alive = False
        self.thread.join()
        for connection in self.connections.values():
            connection.thread.join()
            connection.close()
        self.listener.close()

    def hang_up(self):
        for connection in self.connections.values():
            connection.socket.close()

    def send(self, text, to=None):
        data = text if isinstance(text, bytes) else text.encode("latin-1")
        to = to or list(self.connections)[-1]
        self.connections[tuple(to[:2])].send(data)


class Authority:
    """A certificate authority of the test's own, in a folder."""

    def __init__(self, folder):
        self.folder = folder
        self.ca = f"{folder}/ca.pem"
        self._run("req", "-x509", "-newkey", "ec", "-pkeyopt",
                  "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                  "-subj", "/CN=test authority", "-keyout",
                  f"{folder}/ca.key", "-out", self.ca)

    @staticmethod
    def _run(*args):
        subprocess.run(["openssl", *args], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def issue(self, file, name):
        """Certificate and key in one file."""
        path, key = f"{self.folder}/{file}", f"{self.folder}/{file}.key"
        kind = "IP" if re.fullmatch(r"[0-9.]+|.*:.*", name) else "DNS"
        extensions = f"{path}.ext"
        with open(extensions, "w", encoding="ascii") as out:
            out.write(f"subjectAltName={kind}:{name}\n")
        self._run("req", "-newkey", "ec", "-pkeyopt",
                  "ec_paramgen_curve:P-256", "-nodes", "-subj",
                  f"/CN={name}", "-keyout", key, "-out", f"{path}.csr")
        self._run("x509", "-req", "-in", f"{path}.csr", "-CA", self.ca,
                  "-CAkey", f"{self.folder}/ca.key", "-CAcreateserial",
                  "-days", "30", "-extfile", extensions, "-out", f"{path}.crt")
        with open(f"{path}.new", "w", encoding="ascii") as out:
            for part in (f"{path}.crt", key):
                with open(part, encoding="ascii") as text:
                    out.write(text.read())
        os.replace(f"{path}.new", path)
        return path

    def client(self, path=None):
        context = ssl.create_default_context(cafile=self.ca)
        if path:
            context.load_cert_chain(path)
        return context

    def server(self, path, *, ask=False):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        if ask:
            context.load_verify_locations(self.ca)
            context.verify_mode = ssl.CERT_REQUIRED
        return context
