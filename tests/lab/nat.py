# SPDX-License-Identifier: GPL-2.0-or-later
"""The edge as a NAT for any application: TCP through leases (M11), an entry of
the administrator (M9), and what goes out without a rule (M10)."""

import http.server
import socket
import threading

import netns
from applications import Application, ask_one, check_checksums, release
from context import Steps, equal, require

OUTER = "20.20.20.254"              # the edge's own, of which ports are mapped
WORDS = b"x" * 6000


class Nat(Steps):
    def prepare(self):
        self.edge = self.lab.edges["nat"]
        self.lab.take()

    def stream(self, node, address="0.0.0.0", port=0):
        """A TCP socket on that node."""
        sock = netns.make_socket(self.lab.namespace(node), socket.SOCK_STREAM)
        self.lab.sockets.append(sock)
        sock.settimeout(3.0)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((address, port))
        return sock

    def listener(self, node, address, port):
        sock = self.stream(node, address, port)
        sock.listen(4)
        return sock

    def refused(self, sock, to):
        """A connection that is not answered at all."""
        sock.settimeout(0.5)
        try:
            sock.connect(to)
        except socket.timeout:
            return
        require(False, f"connected to {to}")

    def finish(self):
        captures = self.lab.take()
        check_checksums(captures)
        self.context.check_no_leak(captures)


def talk(caller, called):
    """Bytes both ways; the caller closes its half first."""
    def answer():
        received = b""
        while chunk := called.recv(65536):
            received += chunk
        called.sendall(received)
        called.close()
    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    caller.sendall(WORDS)
    caller.shutdown(socket.SHUT_WR)
    received = b""
    while chunk := caller.recv(65536):
        received += chunk
    thread.join(5.0)
    require(received == WORDS, f"{len(received)} of {len(WORDS)} bytes came back")


class Tcp(Nat):
    name = "tcp"

    def m11a_a_connection_from_outside_through_a_lease(self):
        server = self.listener("a", "1.1.1.1", 5000)
        ask_one(self.edge, "1.1.1.1:5000@inside", "3.3.3.3:3500", "m11",
                protocol="tcp", kind="terminating")
        caller = self.stream("r", "20.20.20.20", 6000)
        caller.connect(("3.3.3.3", 3500))
        called, source = server.accept()
        equal("source that the server sees", source, ("20.20.20.20", 6000))
        talk(caller, called)

    def m11b_the_same_port_for_udp_is_another_lease(self):
        ask_one(self.edge, "1.1.1.1:5002@inside", "3.3.3.3:3500", "m11u")
        inner = Application(self.lab, "a", "1.1.1.1", 5002)
        far = Application(self.lab, "r", "20.20.20.20", 6001)
        far.send("3.3.3.3:3500", "udp")
        inner.gets("udp", "20.20.20.20:6001")
        equal("released", release(self.edge, "m11u"), 1)

    def m11c_an_originating_lease_calls_and_is_not_called(self):
        ask_one(self.edge, "1.1.1.1:5004@inside", "3.3.3.3:3504", "m11",
                protocol="tcp", kind="originating")
        server = self.listener("r", "20.20.20.20", 6100)
        inner = self.stream("a", "1.1.1.1", 5004)
        self.refused(self.stream("r", "20.20.20.20", 6101), ("3.3.3.3", 3504))
        inner.connect(("20.20.20.20", 6100))
        called, source = server.accept()
        equal("source that the server sees", source, ("3.3.3.3", 3504))
        talk(inner, called)

    def m11d_after_the_release_nothing_passes(self):
        equal("released", release(self.edge, "m11"), 2)
        self.refused(self.stream("r", "20.20.20.20", 6102), ("3.3.3.3", 3500))


class Hello(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b"hello from inside\n"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass


class Static(Nat):
    name = "static"

    def m9_http_through_an_entry_of_the_administrator(self):
        server = http.server.HTTPServer(("", 0), Hello, bind_and_activate=False)
        server.socket.close()
        server.socket = self.listener("a", "1.1.1.1", 80)
        server.timeout = 3.0
        thread = threading.Thread(target=server.handle_request, daemon=True)
        thread.start()
        caller = self.stream("r")
        caller.connect(("3.3.3.3", 4080))
        caller.sendall(b"GET / HTTP/1.0\r\n\r\n")
        received = b""
        while chunk := caller.recv(65536):
            received += chunk
        thread.join(5.0)
        require(received.startswith(b"HTTP/1.0 200") and
                received.endswith(b"hello from inside\n"), f"got {received!r}")

    def m9a_it_is_listed_as_the_configurations(self):
        lease, = [entry for entry in self.edge.leases() if entry["owner"] == "config"]
        equal("inner", lease["inner"], "1.1.1.1:80@inside")
        equal("outer", lease["outer"], "3.3.3.3:4080@outside")
        equal("expires_in", lease["expires_in"], None)


class Dynamic(Nat):
    name = "dynamic"

    def m10a_udp_without_any_request(self):
        self.far = Application(self.lab, "r", "20.20.20.20", 6200)
        self.other = Application(self.lab, "r", "20.20.20.20", 6201)
        for node, address in (("a", "1.1.1.1"), ("b", "2.2.2.2")):
            inner = Application(self.lab, node, address, 7000)
            inner.send("20.20.20.20:6200", "out")
            text, source = self.far.receive()
            equal("payload", text, "out")
            outer, port = source.split(":")
            equal("outer address", outer, OUTER)
            require(40000 <= int(port) <= 40999 and int(port) % 2 == 0, f"port {port}")
            self.far.send(source, "back")
            inner.gets("back", "20.20.20.20:6200")
            self.other.send(source, "from another port")
            if node == "a":         # filter = address
                inner.gets("from another port", "20.20.20.20:6201")
            else:                   # filter = endpoint
                inner.hears_nothing()
            inner.send("20.20.20.20:6201", "again")
            equal("the same mapping", self.other.receive(), ("again", source))

    def m10b_tcp_without_any_request(self):
        server = self.listener("r", "20.20.20.20", 6300)
        inner = self.stream("a")
        inner.connect(("20.20.20.20", 6300))
        called, (address, port) = server.accept()
        equal("outer address", address, OUTER)
        require(40000 <= port <= 40999, f"port {port}")
        talk(inner, called)

    def m10c_ping_from_inside_small_and_in_fragments(self):
        for node in ("a", "b"):
            for size in ("56", "3000"):
                said = netns.run(self.lab.namespace(node),
                                 ["ping", "-c", "2", "-i", "0.2", "-W", "2", "-s", size,
                                  "20.20.20.20"])
                require(" 0% packet loss" in said.stdout, f"{node}, {size}: {said.stdout}")

    def m10d_the_host_pings_from_its_own_address(self):
        said = netns.run(self.lab.namespace("nat"),
                         ["ping", "-c", "2", "-i", "0.2", "-W", "2", "-e", "40007",
                          "20.20.20.20"])
        require(" 0% packet loss" in said.stdout, said.stdout)

    def m10e_nothing_comes_in_unasked(self):
        self.refused(self.stream("r"), (OUTER, 40500))

    def m10f_an_inner_address_has_as_many_as_it_may(self):
        before = self.edge.verdicts()["dynamic_limit"]
        for port in range(7100, 7110):
            Application(self.lab, "b", "2.2.2.2", port).send("20.20.20.20:6200", "flood")
        heard = 0
        self.far.socket.settimeout(0.3)
        try:
            while self.far.socket.recvfrom(100):
                heard += 1
        except socket.timeout:
            pass
        require(heard < 8, f"{heard} got through")
        equal("discarded", self.edge.verdicts()["dynamic_limit"] - before, 10 - heard)
        equal("mappings of B", len([rule for rule in self.edge.rules()
                                    if rule["inner"].startswith("2.2.2.2:")]), 8)


class Dscp(Nat):
    """The code point of what leaves into a realm: kept, or set by the realm;
    by the TUN and by the kernel alone."""
    name = "dscp"

    def seen(self, segment, sender, to, receiver, source):
        sender.socket.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, 10 << 2)
        for number in range(20):
            sender.send(to, f"dscp {number}")
            receiver.gets(f"dscp {number}", source)
        return {p.dscp for p in self.lab.take()[segment]
                if p.kind == "ip" and p.payload.startswith(b"dscp ")}

    def d1_it_is_set_where_the_realm_says_so_and_kept_elsewhere(self):
        ask_one(self.edge, "1.1.1.1:5010@inside", "3.3.3.3:3510", "dscp")
        inner = Application(self.lab, "a", "1.1.1.1", 5010)
        far = Application(self.lab, "r", "20.20.20.20", 6010)
        self.lab.take()
        equal("set on what leaves into the realm outside",
              self.seen("outside", inner, "20.20.20.20:6010", far, "3.3.3.3:3510"), {46})
        equal("kept on what comes in",
              self.seen("inside", far, "3.3.3.3:3510", inner, "20.20.20.20:6010"), {10})
        equal("released", release(self.edge, "dscp"), 1)
