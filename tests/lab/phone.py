# SPDX-License-Identifier: GPL-2.0-or-later
"""Drives the libosip2 phone (tests/phone): commands in, JSON events out."""

import json
import subprocess
import threading
import time

from edge import program
from report import Failed


class Phone:
    """One phone process on a node of the lab."""

    def __init__(self, lab, setup, *options, media=None):
        self.name = setup.name
        self.setup = setup
        self.events = []
        self.changed = threading.Condition()
        self.position = 0
        argv = [program("phone"), "--sip", setup.sip, "--aor", setup.aor,
                "--proxy", setup.proxy, "--user", setup.user,
                "--password", setup.password, "--media", media or setup.media]
        if "--auto" not in options:
            options = ("--auto", "ring", *options)
        self.log = open(f"{lab.folder}/phone-{setup.name}.log", "ab")
        self.process = lab.popen(setup.node, argv + list(options),
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                 stderr=self.log)
        threading.Thread(target=self._read, daemon=True).start()
        self.wait("ready")

    def _read(self):
        for line in self.process.stdout:
            try:
                event = json.loads(line)
            except ValueError:
                event = {"event": "garbage", "text": line.decode(errors="replace")}
            self.log.write(line)
            self.log.flush()
            with self.changed:
                self.events.append(event)
                self.changed.notify_all()
        with self.changed:
            self.events.append({"event": "gone"})
            self.changed.notify_all()

    def tell(self, command):
        try:
            self.process.stdin.write(command.encode() + b"\n")
            self.process.stdin.flush()
        except OSError:
            raise Failed(f"phone {self.name} has ended") from None

    def wait(self, *names, timeout=5.0, since=None, **fields):
        """The next event with one of the names and these fields, after the one
        waited for before (or from `since` on)."""
        limit = time.monotonic() + timeout
        index = self.position if since is None else since
        with self.changed:
            while True:
                for at in range(index, len(self.events)):
                    event = self.events[at]
                    if event["event"] in names and all(
                            event.get(k) == v for k, v in fields.items()):
                        self.position = max(self.position, at + 1)
                        return event
                    if event["event"] == "gone":
                        raise Failed(f"phone {self.name} ended while the test "
                                     f"waited for {names}")
                index = len(self.events)
                left = limit - time.monotonic()
                if left <= 0:
                    break
                self.changed.wait(left)
        raise Failed(f"phone {self.name}: no {' or '.join(names)} {fields or ''} in "
                     f"{timeout} s; last events: {self.last_events()}")

    def last_events(self, count=6):
        quiet = [e for e in self.events if e["event"] not in ("sent", "received", "stats")]
        shown = [{key: value if len(str(value)) < 60 else "..."
                  for key, value in event.items()} for event in quiet[-count:]]
        return json.dumps(shown)[:600]

    def mark(self):
        """A place in the events, for `since`."""
        with self.changed:
            return len(self.events)

    def messages(self, direction, method, since=0, status=None):
        """The raw SIP messages sent or received: requests of a method, or the
        responses with that status to it."""
        found = []
        for event in self.events[since:]:
            if event["event"] != direction:
                continue
            text = event["message"]
            first = text.split("\r\n", 1)[0]
            if status is None:
                if first.startswith(method + " "):
                    found.append(text)
            elif first.startswith(f"SIP/2.0 {status} "):
                if any(line.lower().replace(" ", "").startswith("cseq:") and
                       line.endswith(" " + method) for line in text.split("\r\n")):
                    found.append(text)
        return found

    def register(self):
        self.tell("register")
        self.wait("registered")

    def stats(self):
        since = self.mark()
        self.tell("stats")
        return self.wait("stats", since=since)["streams"]

    def received(self):
        return sum(stream["rtp"]["received"] for stream in self.stats())

    def wait_received(self, count, timeout=2.0):
        limit = time.monotonic() + timeout
        while self.received() < count:
            if time.monotonic() > limit:
                raise Failed(f"phone {self.name} received {self.received()} RTP "
                             f"packets in {timeout} s, not {count}")
            time.sleep(0.02)

    def give_up(self):
        """Ends whatever call there is, without asking how it went."""
        try:
            self.tell("media stop")
            self.tell("hangup")
        except Failed:
            pass                         # it has ended: nothing to give up

    def quit(self):
        if self.process.poll() is None:
            try:
                self.tell("quit")
                self.process.wait(3)
            except (Failed, subprocess.TimeoutExpired):
                self.process.kill()
                self.process.wait(3)
        self.process.stdin.close()
