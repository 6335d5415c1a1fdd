"""The real histories as the command line gives them: the national board and replays, in JSON, from the shipped data."""

import json
import os
import subprocess
import tempfile
import time
from collections import Counter

from outside import Server

SERVICES = {"PHARM", "OPHTH", "DENT"}


def baton(server, *arguments, code=0):
    environment = {**os.environ, "BATON_SERVER": server.address}
    ran = subprocess.run([os.environ["BATON_BIN"], *arguments], capture_output=True, text=True, env=environment, timeout=120)
    assert ran.returncode == code, f"{arguments} ended with {ran.returncode}: {ran.stderr}"
    return ran.stdout


def board(server):
    rows = json.loads(baton(server, "board", "--output", "json"))
    assert all({"id", "receiver", "service", "wave", "stage", "live_on", "plans", "gaps"} <= row.keys() for row in rows)
    pod = [row for row in rows if row["wave"] == "POD-2021"]
    assert len(pod) == 126 and len(rows) == 132, f"{len(pod)} of {len(rows)}"
    assert all(row["stage"] == "LIVE" for row in pod)

    early = {}
    for row in pod:
        assert row["live_on"] in ("2022-07-01", "2023-04-01"), row["live_on"]
        if row["live_on"] == "2022-07-01":
            early.setdefault(row["receiver"], set()).add(row["service"])
    whole = {receiver for receiver, services in early.items() if services == SERVICES}
    pharmacy = {receiver for receiver, services in early.items() if services == {"PHARM"}}
    assert whole == {"QU9", "QNQ", "QOP", "QRL", "QKS", "QXU", "QNX"}, whole
    assert pharmacy == {"QYG", "QE1"} and len(early) == 9, early
    assert len({row["receiver"] for row in pod}) == 42

    for row in pod:
        assert row["stage_standing"] in ("reported", "inferred") and row["earlier_stages_not_on_record"] > 0, row["id"]
        assert row["stage_standing"] in row["stage_words"] and "not on record" in row["stage_words"], row["stage_words"]
    print(f"board: {len(pod)} POD transitions, {len(whole)} receivers with three services and {len(pharmacy)} with pharmacy only in July 2022")
    return {row["id"]: row for row in rows}


def missed_plan(rows):
    for service in ("PHARM", "OPHTH"):
        plans = [p for p in rows[f"QUY.{service}.POD-2021"]["plans"] if p["event"] == "DelegationCommenced"]
        (plan,) = plans
        assert (plan["status"], plan["target"], plan["actual"]) == ("missed", "2022-04-01", "2023-04-01"), plan
    print("BNSSG: the plan of April 2022 for pharmacy and optical services is missed, the actual a year later")


def replay(server):
    steps = json.loads(baton(server, "replay", "QUY.DENT.POD-2021", "--output", "json"))
    wanted = {"position", "revision", "type", "standing", "occurred", "recorded_at", "done_by", "evidence", "gaps", "stage"}
    assert all(wanted <= step.keys() for step in steps)
    kinds = Counter(step["type"] for step in steps)
    assert kinds["TransitionRegistered"] == kinds["DelegationCommenced"] == 1 and kinds["Planned"] >= 4, kinds
    assert all(step["evidence"] for step in steps), "every statement of a history names what it rests on"
    told = [step for step in steps if step["type"] == "DelegationCommenced"]
    assert told[0]["stage"] == "LIVE" and steps[0]["stage"] == "REGISTERED"
    print(f"replay of QUY.DENT.POD-2021: {len(steps)} events: {dict(kinds)}")


def conflicts(server):
    rows = json.loads(baton(server, "log", "--output", "json"))
    flagged = {event["payload"]["conflict"] for event in rows if event["type"] == "ConflictFlagged"}
    assert flagged == {f"C{n}" for n in range(1, 31)}, sorted(flagged)
    positions = [event["position"] for event in rows]
    assert positions == list(range(len(positions))), "positions have gaps"
    proposals = [event for event in rows if event["type"] == "Approved"]
    by = {event["recorded_by"] for event in proposals}
    assert len(by) == 1 and not by & {e["recorded_by"] for e in rows if e["type"] == "Proposed"}, "two persons"
    print(f"log: {len(rows)} events without a gap, {len(flagged)} conflicts flagged, {len(proposals)} proposals by two persons")


def exits(server):
    baton(server, "show", "NOPE", code=1)
    baton(server, "board", "--no-such-flag", code=2)
    unreachable = subprocess.run([os.environ["BATON_BIN"], "board", "--server", "127.0.0.1:1"], capture_output=True, timeout=60)
    assert unreachable.returncode == 3, unreachable.returncode
    print("exit codes: 0, 1, 2 and 3 as documented")


def load(data, patience=120):
    """Loads the histories into a data directory, or is killed when its time is over; gives the seconds it took, if it ended."""
    began = time.monotonic()
    command = [os.environ["BATON_BIN"], "demo", "--data", data, "--exit", "--listen", "127.0.0.1:0", "--no-progress"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        _, said = process.communicate(timeout=patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return None
    assert process.returncode == 0, said
    return time.monotonic() - began


def told(server):
    """Every statement of the log, as often as it is there, without when and where it was recorded."""
    events = json.loads(baton(server, "log", "--output", "json"))

    def unplaced(value):
        if isinstance(value, dict) and isinstance(value.get("position"), int):
            there = events[value["position"]]
            return [there["stream"], there["type"]]
        return {name: unplaced(below) for name, below in value.items()} if isinstance(value, dict) else value

    statements = [[e["stream"], e["type"], unplaced(e["payload"])] for e in events if e["type"] != "Approved"]
    return Counter(json.dumps(statement, sort_keys=True) for statement in statements)


def interrupted(rows):
    with tempfile.TemporaryDirectory(prefix="baton-load-") as directory:
        whole = load(f"{directory}/whole")
        tries = [load(f"{directory}/killed", whole * part) for part in (0.2, 0.35, 0.5, 0.65, 0.8)]
        kills = tries.count(None)
        assert kills, f"no load was killed: {whole:.1f} s, then {tries}"
        load(f"{directory}/killed")
        with Server(f"{directory}/whole") as server:
            wanted = told(server)
        with Server(f"{directory}/killed") as server:
            assert board(server) == rows, "the board is another one"
            found = told(server)
        lacks, more = list(wanted - found), list(found - wanted)
        assert found == wanted, f"lacks {len(lacks)}: {lacks[:2]}; has too often or more {len(more)}: {more[:2]}"
    print(f"a load that was killed {kills} times, the server with it, and then ended: {found.total()} statements, each as often as in one go")


def main():
    with Server() as server:
        rows = board(server)
        missed_plan(rows)
        replay(server)
        conflicts(server)
        exits(server)
    interrupted(rows)


if __name__ == "__main__":
    main()
