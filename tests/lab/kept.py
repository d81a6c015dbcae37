# SPDX-License-Identifier: GPL-2.0-or-later
"""Labs that stay up after the program has ended (lab up, exec, down)."""

import json
import os
import shutil

import casefile
import netns
from netns import LabError
from topology import Lab

FOLDER = "/run/viaduct-lab"


def _path(name):
    return os.path.join(FOLDER, name + ".json")


def _load(name):
    try:
        with open(_path(name), encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        raise LabError(f"case {name} is not up") from None


def _names():
    if not os.path.isdir(FOLDER):
        return []
    return sorted(f[:-5] for f in os.listdir(FOLDER) if f.endswith(".json"))


def namespaces():
    """All namespaces of labs that are up."""
    return {space for name in _names() for space in _load(name)["namespaces"].values()}


def _start_time(pid):
    """Tells a process from a later one with the same number; None when there
    is none, or only its remains."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            words = file.read().rsplit(")", 1)[1].split()
    except OSError:
        return None
    return words[19] if words[0] != "Z" else None


def up(names):
    for name in names:
        if os.path.exists(_path(name)):
            raise LabError(f"case {name} is up already")
        lab = Lab(casefile.load(name), keep=True)
        try:
            lab.build()
            lab.start_edges()
            _save(name, lab)
        except BaseException:
            lab.remove()
            raise
        lab.let_go()
        print(f"case {name} is up; captures, configurations and logs: {lab.folder}")
        for node in lab.case.nodes:
            print(f"    {node:10} namespace {lab.namespace(node)}")
    return 0


def _save(name, lab):
    pids = [p.pid for e in lab.edges.values() for p in e.processes.values()]
    pids += [tap.process.pid for tap in lab.taps.values()]
    state = {"folder": lab.folder,
             "namespaces": {n: lab.namespace(n) for n in [*lab.case.nodes, "wire"]},
             "processes": {pid: _start_time(pid) for pid in pids}}
    os.makedirs(FOLDER, exist_ok=True)
    with open(_path(name), "w", encoding="utf-8") as file:
        json.dump(state, file, indent=1)


def execute(words):
    if len(words) < 3:
        raise LabError("expected: lab exec CASE NODE COMMAND...")
    name, node, *argv = words
    spaces = _load(name)["namespaces"]
    if node not in spaces:
        raise LabError(f"case {name} has no node {node}: {' '.join(spaces)}")
    os.execvp("ip", ["ip", "netns", "exec", spaces[node], *argv])


def down(names):
    for name in _names() if names == ["all"] else names:
        state = _load(name)
        ours = [int(pid) for pid, start in state["processes"].items()
                if start and _start_time(pid) == start]
        for number in (15, 9):
            for pid in ours:
                if _start_time(pid):
                    os.kill(pid, number)
            try:
                netns.wait_until("processes end", lambda: not any(
                    _start_time(pid) for pid in ours), timeout=3)
                break
            except LabError:
                continue
        for space in state["namespaces"].values():
            netns.remove(space)
        shutil.rmtree(state["folder"], ignore_errors=True)
        os.unlink(_path(name))
    return 0
