# SPDX-License-Identifier: GPL-2.0-or-later
"""The proxy and the stand-in for the address manager on the loopback network."""

import ctypes
import fcntl
import hashlib
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
import unittest

from sipua import Agent, Call, sdp

PROXY = os.path.abspath(os.environ.get("PROXY", "viaduct-proxy"))
FAKE = os.path.abspath(os.environ.get("FAKE_NATCTL", "tests/proxy/fake_natctl"))
NET = f"127.{20 + os.getpid() % 200}"
IN, OUT = f"{NET}.1.1", f"{NET}.2.1"
OUTER_IN, OUTER_OUT = f"{NET}.3.1", f"{NET}.4.1"
USERS = ("alice", "bob", "carol", "dave", "100")

CONF = """
rundir = "{dir}"
realm inside {{ networks = {{"{net}.1.0/24"}} reaches = {{"outside"}}
    pool = {{"{net}.3.0/30:20000-29999"}} }}
realm outside {{ networks = {{"{net}.2.0/24"}}
    pool = {{"{net}.4.0/30:20000-29999"}} }}
listen in  {{ realm = inside  udp = "{net}.1.1:5060" }}
listen out {{ realm = outside udp = "{net}.2.1:5060" }}
domain "example.com" {{ users = "{dir}/users" }}
trunk carrier {{ realm = outside host = "{net}.2.99" port = 5060 }}
trunk nowhere {{ realm = outside host = "no-such-host.invalid" port = 5060 }}
route default {{ to = carrier }}
"""


def enter_lonely_network():
    """A network namespace with lo alone: the query for a trunk's name that is
    looked up at the start leads nowhere, and two runs do not meet."""
    libc = ctypes.CDLL(None, use_errno=True)
    newuser, newnet = 0x10000000, 0x40000000
    if libc.unshare(newnet if os.geteuid() == 0 else newuser | newnet):
        raise OSError(ctypes.get_errno(), "a network namespace of its own")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, 0x8914,     # SIOCSIFFLAGS: IFF_UP
                    struct.pack("16sh14x", b"lo", 1))


enter_lonely_network()


def rpc(path, method, **params):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(3)
        client.connect(path)
        request = {"jsonrpc": "2.0", "id": 1, "method": method}
        if params:
            request["params"] = params
        client.sendall(json.dumps(request).encode() + b"\n")
        data = b""
        while not data.endswith(b"\n"):
            chunk = client.recv(65536)
            if not chunk:
                break
            data += chunk
    return json.loads(data)["result"]


def until(condition, what, within=3.0):
    end = time.monotonic() + within
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError(what)


class Bed(unittest.TestCase):
    """A proxy and a manager for each test."""

    conf = CONF

    def setUp(self):
        self.agents, self.fake = [], None
        self.dir = tempfile.mkdtemp(prefix="vdproxy")
        self.addCleanup(shutil.rmtree, self.dir)
        with open(f"{self.dir}/users", "w", encoding="ascii") as users:
            for user in USERS:
                ha1 = hashlib.md5(f"{user}:example.com:pw".encode())
                users.write(f"{user}:example.com:{ha1.hexdigest()}\n")
        self.prepare()
        with open(f"{self.dir}/conf", "w", encoding="ascii") as conf:
            conf.write(self.conf.format(dir=self.dir, net=NET))
        self.log = open(f"{self.dir}/log", "w", encoding="ascii")
        wrap = os.environ.get("PROXY_WRAP", "").split()
        self.proxy = subprocess.Popen(
            [*wrap, PROXY, "-v", "-c", f"{self.dir}/conf"], stderr=self.log)
        self.addCleanup(self.end_process, self.proxy)
        until(self.is_listening, "the proxy does not start", 20)
        self.manager()

    def is_listening(self):
        try:
            return bool(self.status())
        except (FileNotFoundError, ConnectionRefusedError):
            return False

    def prepare(self):
        """What must be there before the proxy starts."""

    @staticmethod
    def end_process(process):
        if process.poll() is None:
            process.kill()
        process.wait()

    def tearDown(self):
        for agent in self.agents:
            agent.close()
        died = self.proxy.poll() is not None
        self.proxy.send_signal(signal.SIGTERM)
        code = self.proxy.wait(20)
        self.log.close()
        with open(f"{self.dir}/log", encoding="latin-1") as log:
            text = log.read()
        if died or code != 0 or "runtime error" in text:
            raise AssertionError(f"the proxy ended with {code}:\n{text}")

    def manager(self, *options):
        """Another stand-in, told how to behave."""
        self.stop_manager()
        self.fake = subprocess.Popen(
            [FAKE, f"{self.dir}/natctl.sock", f"inside={OUTER_IN}",
             f"outside={OUTER_OUT}", *options])
        self.addCleanup(self.end_process, self.fake)
        until(lambda: self.status()["natctl"] == "up", "natctl is not found",
              10)

    def stop_manager(self):
        if self.fake:
            self.fake.terminate()
            self.fake.wait(5)
            self.fake = None
            until(lambda: self.status()["natctl"] == "down",
                  "the loss is not seen")

    def status(self):
        return rpc(f"{self.dir}/proxy.sock", "status")

    def calls(self):
        return rpc(f"{self.dir}/proxy.sock", "calls")["calls"]

    def leases(self):
        return rpc(f"{self.dir}/natctl.sock", "list")["leases"]

    def asked(self):
        return rpc(f"{self.dir}/natctl.sock", "counters")

    def agent(self, user, last, *, inside=True, port=5060, registered=True):
        net, edge = (f"{NET}.1", IN) if inside else (f"{NET}.2", OUT)
        agent = Agent(user, f"{net}.{last}", edge, port)
        self.agents.append(agent)
        if registered:
            agent.register()
        return agent

    def pair(self):
        """alice inside, bob outside."""
        return (self.agent("alice", 10), self.agent("bob", 20, inside=False))

    def nothing_left(self, within=3.0):
        until(lambda: not self.leases(), "leases are left", within)
        until(lambda: not self.calls(), "calls are left", within)

    def talk(self, caller, callee, *, ring=True):
        """A call that is answered: the caller's view, the INVITE, the 200."""
        call = Call(caller, callee.user)
        call.invite(sdp(caller.address, 30000))
        invite = callee.expect("INVITE")
        if ring:
            callee.respond(invite, 180, tag="bt")
            caller.expect(180)
        callee.respond(invite, 200, tag="bt", body=sdp(callee.address, 40000))
        answer = call.learn(caller.expect(200, "INVITE"))
        call.ack()
        callee.expect("ACK")
        return call, invite, answer

    def end(self, call, callee):
        call.bye()
        callee.respond(callee.expect("BYE"), 200)
        call.agent.expect(200, "BYE")
