#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""functions.py - the demo's functions, as a worker of mpreg-node (docs/exec-workers.md).

One JSON object a line on standard input, {"id", "function", "args", "kwargs"}, and one a line on standard output,
{"id", "result"} or {"id", "error": {"type", "message"}}. The worker ends when its input does.
"""
import json
import sys

FUNCTIONS = {
    "math.add": lambda *numbers: sum(numbers),
    "math.square": lambda number: number * number,
    "vault.open": lambda name="main": f"the vault '{name}' is open",
    "text.upper": lambda text: text.upper(),
    "text.reverse": lambda text: text[::-1],
    "hr.salary": lambda name: {"name": name, "salary": 4200},
}


def answer(call):
    try:
        function = FUNCTIONS[call["function"]]
        return {"id": call["id"], "result": function(*call.get("args", []), **call.get("kwargs", {}))}
    except Exception as error:  # whatever a function raises is the caller's answer
        return {"id": call["id"], "error": {"type": type(error).__name__, "message": str(error)}}


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
