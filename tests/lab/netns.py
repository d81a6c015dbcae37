# SPDX-License-Identifier: GPL-2.0-or-later
"""Network namespaces: made, entered, looked at, removed.

A socket belongs for ever to the namespace in which it was made, so the lab's
own UDP applications live in its one process: it enters a namespace, makes the
socket and leaves again. Programs are started inside by entering between fork
and exec."""

import contextlib
import ctypes
import json
import os
import signal
import socket
import subprocess
import time

CLONE_NEWNET = 0x40000000
RUN = "/run/netns"
# Devices that the kernel itself puts, down, into a new namespace when their
# modules are loaded. They lead nowhere as long as they are down.
FALLBACK = {"tunl0", "gre0", "gretap0", "erspan0", "sit0", "ip6tnl0", "ip_vti0",
            "ip6_vti0", "ip6gre0"}

_libc = ctypes.CDLL(None, use_errno=True)
_home = None


class LabError(Exception):
    """The lab itself cannot work (not a result of a test)."""


def command(argv, check=True, text=None, timeout=20):
    """Runs a program to its end, bounded; its standard output."""
    done = subprocess.run(argv, input=text, capture_output=True, text=True,
                          timeout=timeout, check=False)
    if check and done.returncode:
        raise LabError(f"{' '.join(argv)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def ip_batch(lines, namespace=None):
    """Many ip commands in one process, all or an error."""
    where = ["-n", namespace] if namespace else []
    command(["ip", *where, "-batch", "-"], text="\n".join(lines) + "\n")


def _setns(fd):
    if _libc.setns(fd, CLONE_NEWNET):
        error = ctypes.get_errno()
        raise OSError(error, "setns: " + os.strerror(error))


@contextlib.contextmanager
def entered(name):
    """The calling thread is in the namespace inside the with block."""
    global _home
    if _home is None:
        _home = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    fd = os.open(f"{RUN}/{name}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        _setns(fd)
        try:
            yield
        finally:
            _setns(_home)
    finally:
        os.close(fd)


def make_socket(name, kind=socket.SOCK_DGRAM, family=socket.AF_INET):
    with entered(name):
        return socket.socket(family, kind)


def write_sysctl(name, key, value):
    with entered(name):
        with open("/proc/sys/" + key.replace(".", "/"), "w", encoding="ascii") as file:
            file.write(str(value))


def read_sysctl(name, key):
    with entered(name):
        with open("/proc/sys/" + key.replace(".", "/"), encoding="ascii") as file:
            return file.read().strip()


def popen(name, argv, **options):
    """Starts a program inside a namespace (name None: where the lab is). It
    dies with the lab unless `keep` is set."""
    keep = options.pop("keep", False)
    uid = options.pop("uid", None)
    fd = -1
    if name:
        fd = os.open(f"{RUN}/{name}", os.O_RDONLY | os.O_CLOEXEC)

    def prepare():
        if fd >= 0:
            _setns(fd)
        if not keep:
            _libc.prctl(1, signal.SIGKILL)       # PR_SET_PDEATHSIG
        if uid is not None:
            os.setgroups([])
            os.setuid(uid)

    try:
        return subprocess.Popen(argv, preexec_fn=prepare, start_new_session=True,
                                **options)
    finally:
        if fd >= 0:
            os.close(fd)


def run(name, argv, timeout=20, **options):
    """Runs a program inside a namespace to its end, bounded; the finished
    process with `stdout` and `stderr`."""
    process = popen(name, argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                    stdin=subprocess.DEVNULL, text=True, **options)
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        end(process, kill=True)
        out, err = process.communicate()
        err += f"\n{argv[0]}: ended after {timeout} s"
    return subprocess.CompletedProcess(argv, process.returncode, out, err)


def end(process, kill=False, patience=3.0):
    """Ends one process that the lab started: politely, then for good."""
    if process.poll() is None:
        process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(patience)
    return process.returncode


def wait_until(what, ready, timeout=5.0, step=0.01):
    """Polls until ready() is true; its value. Bounded."""
    limit = time.monotonic() + timeout
    while True:
        value = ready()
        if value:
            return value
        if time.monotonic() > limit:
            raise LabError(f"waited {timeout} s in vain: {what}")
        time.sleep(step)


def links(name):
    """The interfaces of a namespace as `ip -d -j link` tells them."""
    return json.loads(command(["ip", "-n", name, "-d", "-j", "link", "show"]) or "[]")


def namespace_ids(name):
    """{id: name} of the namespaces that this one has links to; those that have
    no name, like the one the machine began with, are not in it."""
    found = json.loads(command(["ip", "-n", name, "-j", "netns", "list-id"]) or "[]")
    return {entry["nsid"]: entry["name"] for entry in found if "name" in entry}


def default_routes(name):
    return [route for family in ("-4", "-6") for route in
            json.loads(command(["ip", "-n", name, family, "-j", "route", "show"]) or "[]")
            if route["dst"] == "default"]


def exists(name):
    return os.path.exists(f"{RUN}/{name}")


def remove(name):
    if exists(name):
        command(["ip", "netns", "del", name], check=False)


def pids(name):
    return [int(pid) for pid in
            command(["ip", "netns", "pids", name], check=False).split()]


def require_rights():
    """Refuses, in words, where the lab cannot be built."""
    missing = []
    if os.geteuid() != 0:
        missing.append("root")
    caps = 0
    with open("/proc/self/status", encoding="ascii") as file:
        for line in file:
            if line.startswith("CapEff:"):
                caps = int(line.split()[1], 16)
    for bit, cap in ((12, "CAP_NET_ADMIN"), (13, "CAP_NET_RAW"), (21, "CAP_SYS_ADMIN")):
        if not caps >> bit & 1:
            missing.append(cap)
    try:
        os.close(os.open("/dev/net/tun", os.O_RDWR))
    except OSError as error:
        missing.append(f"/dev/net/tun ({error.strerror})")
    for program in ("ip", "tcpdump", "ethtool", "nft"):
        if not any(os.access(os.path.join(folder, program), os.X_OK)
                   for folder in (os.environ.get("PATH", "") + ":/usr/sbin:/sbin").split(":")):
            missing.append(f"the program {program}")
    if missing:
        raise LabError("the lab cannot run here, it lacks: " + ", ".join(missing))
