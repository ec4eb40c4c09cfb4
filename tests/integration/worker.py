#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""worker.py FILE - the tests' functions. Each call is written to FILE before it runs, so that a test can prove that
nothing ran. Every call has a thread of its own: slow ones delay no other.
"""
import json
import os
import sys
import threading
import time


def slow_echo(seconds, value):
    time.sleep(seconds)
    return value


def pass_gate(path, value):
    """Answers when the file is there: the test decides when."""
    while not os.path.exists(path):
        time.sleep(0.01)
    return value


def fail(message):
    raise ValueError(message)


FUNCTIONS = {
    "math.add": lambda *numbers: sum(numbers),
    "math.square": lambda number: number * number,
    "vault.open": lambda name="main": f"the vault '{name}' is open",
    "text.upper": lambda text: text.upper(),
    "text.reverse": lambda text: text[::-1],
    "pay.charge": lambda cents: cents,
    "payment.charge": lambda cents: cents,
    "hr.salary": lambda name: {"name": name, "salary": 4200},
    "slow.echo": slow_echo,
    "gate.pass": pass_gate,
    "fail.now": fail,
    "only.here": lambda: "only here",
    "worker.pid": os.getpid,
    "data.make": lambda size: "x" * size,
}
lock = threading.Lock()


def run(call):
    try:
        result = FUNCTIONS[call["function"]](*call["args"], **call["kwargs"])
        answer = {"id": call["id"], "result": result}
    except Exception as error:  # whatever a function raises is the caller's answer
        answer = {"id": call["id"], "error": {"type": type(error).__name__, "message": str(error)}}
    with lock:
        print(json.dumps(answer), flush=True)


with open(sys.argv[1], "a", encoding="utf-8") as executed:
    for line in sys.stdin:
        call = json.loads(line)
        print(call["function"], json.dumps(call["args"]), file=executed, flush=True)
        threading.Thread(target=run, args=(call,), daemon=True).start()
