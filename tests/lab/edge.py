# SPDX-License-Identifier: GPL-2.0-or-later
"""One edge of the lab: its folder, its configuration and its daemons."""

import hashlib
import os
import re
import shutil
import subprocess

import netns
import rpc
from netns import LabError
from report import Failed


# The verdicts of packets that rules translated.
TRANSLATED = ("in", "out", "transit", "hairpin")
# yes: settled flows go to the kernel; no: every packet comes by a TUN.
FASTPATH = os.environ.get("LAB_FASTPATH", "yes")


def build_folder():
    """Where the programs are: VIADUCT_BUILD, else the folder the lab is
    started from, else the source tree."""
    here = os.path.dirname(os.path.abspath(__file__))
    for folder in (os.environ.get("VIADUCT_BUILD"), os.getcwd(),
                   os.path.dirname(os.path.dirname(here))):
        if folder and _find(folder, "viaduct-translator"):
            return folder
    raise LabError("no built programs: set VIADUCT_BUILD to the build folder")


def _find(folder, name):
    for part in ("", "translator", "natctl", "proxy", "cli", "tests/phone", "doc/examples"):
        path = os.path.join(folder, part, name)
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    return None


def program(name):
    """The path of a built program."""
    path = _find(build_folder(), name)
    if not path:
        raise LabError(f"{name} is not built in {build_folder()}")
    return path


def ha1(user, domain, password):
    return hashlib.md5(f"{user}:{domain}:{password}".encode()).hexdigest()


def make_certificates(folder, config):
    """Those that tests/natctl/certificates.sh makes; the server's is for the
    first address at which TLS is spoken."""
    address = re.search(r'tls = "([0-9.]+):', config).group(1)
    script = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
                          "natctl", "certificates.sh")
    subprocess.run(["sh", script, folder, address], check=True, timeout=60)


def certificate_files(folder, name):
    """(certificate, key, authorities) of one of them."""
    return tuple(os.path.join(folder, file) for file in
                 (f"{name}.pem", f"{name}.key", "ca.pem"))


class Edge:
    def __init__(self, node, namespace, folder):
        self.node = node
        self.name = node.name
        self.namespace = namespace
        self.folder = folder
        self.config = os.path.join(folder, "viaduct.conf")
        self.processes = {}
        os.makedirs(os.path.join(folder, "run"))
        self.write_config()

    def write_config(self):
        # One line, so that line numbers are those of the case's text plus one.
        text = f'rundir = "{self.folder}/run"'
        if "fastpath" not in self.node.config:
            text += f"  fastpath = {FASTPATH}"
        text += "\n"
        text += self.node.config.replace("$DIR", self.folder)
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(text)
        if re.search(r'\btls = "', text):
            make_certificates(self.folder, text)
        domains = {}
        for domain, user, password in self.node.users:
            domains.setdefault(domain, []).append(
                f"{user}:{domain}:{ha1(user, domain, password)}\n")
        for domain, lines in domains.items():
            path = os.path.join(self.folder, f"{domain}.users")
            with open(path, "w", encoding="utf-8") as file:
                file.writelines(lines)
            os.chmod(path, 0o600)

    def socket(self, daemon):
        return os.path.join(self.folder, "run", f"{daemon}.sock")

    def log(self, daemon):
        return os.path.join(self.folder, f"{daemon}.log")

    def channel(self, daemon, timeout=5.0):
        return rpc.Channel(self.socket(daemon), timeout)

    def start(self, daemon, keep=False, ready=True):
        """Starts one daemon and waits until its socket answers `status`."""
        with open(self.log(daemon), "ab") as log:
            process = netns.popen(
                self.namespace, [program(f"viaduct-{daemon}"), "-c", self.config],
                stdin=open(os.devnull, "rb"), stdout=log, stderr=log, keep=keep,
                cwd=self.folder)
        self.processes[daemon] = process
        if ready:
            self.wait_ready(daemon)
        return process

    def wait_ready(self, daemon, timeout=10.0):
        process = self.processes[daemon]

        def answers():
            if process.poll() is not None:
                raise LabError(f"edge {self.name}: viaduct-{daemon} ended with "
                               f"{process.returncode}: {self.last_words(daemon)}")
            try:
                status = rpc.once(self.socket(daemon), "status")
            except (OSError, rpc.RpcError):
                return False
            # natctl is of use once it has its translator.
            return daemon != "natctl" or status.get("translator") == "up"

        try:
            netns.wait_until(f"edge {self.name}: viaduct-{daemon} answers status",
                             answers, timeout)
        except LabError as error:
            raise LabError(f"{error}: {self.last_words(daemon)}") from None

    def start_all(self, keep=False):
        for daemon in self.node.daemons:
            self.start(daemon, keep=keep)

    def last_words(self, daemon, lines=5):
        with open(self.log(daemon), errors="replace", encoding="utf-8") as file:
            return " | ".join(file.read().strip().split("\n")[-lines:])

    def kill(self, daemon):
        """kill -9; from then on its absence is no surprise."""
        netns.end(self.processes.pop(daemon), kill=True)

    def stop(self):
        """Tells each daemon to end; their exit statuses."""
        return {daemon: netns.end(self.processes.pop(daemon))
                for daemon in ("proxy", "natctl", "translator")
                if daemon in self.processes}

    def teardown(self):
        done = netns.run(self.namespace, [program("viaduct"), "-c", self.config, "teardown"])
        if done.returncode or done.stderr:
            raise Failed(f"edge {self.name}: teardown: {done.returncode} {done.stderr!r}")

    def alive(self):
        """None, or which daemon ended and how."""
        for daemon, process in self.processes.items():
            if process.poll() is not None:
                return (f"edge {self.name}: viaduct-{daemon} ended with "
                        f"{process.returncode}: {self.last_words(daemon)}")
        return None

    # What its daemons tell
    def rules(self):
        with self.channel("translator") as channel:
            return channel.all("rules", "rules")

    def leases(self):
        with self.channel("natctl") as channel:
            return channel.all("list", "leases")

    def verdicts(self):
        with self.channel("translator") as channel:
            return channel.call("verdicts")["verdicts"]

    def paths(self):
        """Packets by the way that they took so far: {"tun": n, "kernel": n},
        and "settled": how many flows were given to the kernel."""
        with self.channel("translator") as channel:
            answer = channel.call("verdicts")
        fast = answer["fastpath"]
        return {"tun": sum(answer["verdicts"][name] for name in TRANSLATED),
                "kernel": fast["packets"], "settled": fast["settled"]}

    def flows(self):
        """The flows that the kernel has, by the endpoints of their first packet."""
        with self.channel("translator") as channel:
            return {(flow["source"].split("@")[0], flow["destination"].split("@")[0]): flow
                    for flow in channel.call("flows")["flows"] if flow["path"] == "kernel"}

    def keep_logs(self, folder):
        target = os.path.join(folder, f"edge-{self.name}")
        shutil.copytree(self.folder, target, dirs_exist_ok=True,
                        ignore=shutil.ignore_patterns("run"))
