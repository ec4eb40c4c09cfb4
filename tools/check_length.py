#!/usr/bin/env python3
"""check_length.py - sizes and habits of the C files in src/ and tests/.

Functions: at most 70 lines between their braces, at most 6 parameters. Files: at most 900 lines.
The first line is the licence. No // comments, no promises for later, no typedef of a struct, union or enum.
It reads the house's format, not C: a function's brace stands alone at the start of a line (clang-format
sees to that). Prints one line a fault, `file:line: what is wrong`, and exits 1; or one line and exits 0.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FUNCTION_LINES_MAX = 70
PARAMETERS_MAX = 6
FILE_LINES_MAX = 900
LICENCE = "/* SPDX-License-Identifier: Apache-2.0 */"

PROMISE = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"]) + r")\b")
TYPEDEF = re.compile(r"^\s*typedef\s+(?:const\s+)?(struct|union|enum)\b")
SIGNATURE = re.compile(r"^(?:[A-Za-z_].*[ *])?([A-Za-z_]\w*)\(")
TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)


def blank(match):
    """Comments and literals become blanks of the same shape; // stays, to be found."""
    text = match.group()
    if text.startswith("//"):
        return "//"
    return re.sub(r"[^\n]", " ", text)


def parameter_count(text):
    """How many parameters stand in `text`, which begins after the opening parenthesis."""
    depth, commas, empty = 1, 0, True
    for position, char in enumerate(text):
        if char in "([{":
            depth += 1
        elif char in ")]}":
            depth -= 1
            if depth == 0:
                inside = text[:position].strip()
                return 0 if empty or inside == "void" else commas + 1
        elif char == "," and depth == 1:
            commas += 1
        if not char.isspace():
            empty = False
    return 0


def functions(lines):
    """(name, line number, parameters, lines of the body) of each function in the blanked lines."""
    signature = None
    opened = None
    for number, line in enumerate(lines, 1):
        found = SIGNATURE.match(line)
        if opened is None and found and not line.rstrip().endswith(";"):
            signature = (found.group(1), number, "\n".join([line[found.end():]] + lines[number:number + 20]))
        if line.rstrip() == "{":
            opened = number
        elif line.startswith("}") and opened is not None:
            if signature is not None:
                name, at, text = signature
                yield name, at, parameter_count(text), number - opened - 1
            signature = opened = None


def judge_file(path):
    name = path.relative_to(ROOT).as_posix()
    text = path.read_text()
    lines = text.splitlines()
    code = TOKEN.sub(blank, text).splitlines()
    if not lines or lines[0] != LICENCE:
        yield f"{name}:1: the first line must be {LICENCE}"
    if len(lines) > FILE_LINES_MAX:
        yield f"{name}:{len(lines)}: the file has {len(lines)} lines, allowed are {FILE_LINES_MAX}"
    for number, line in enumerate(lines, 1):
        if PROMISE.search(line):
            yield f"{name}:{number}: a promise for later: {line.strip()}"
    for number, line in enumerate(code, 1):
        if "//" in line:
            yield f"{name}:{number}: comments are written /* */"
        if TYPEDEF.match(line):
            yield f"{name}:{number}: no typedef for a struct, union or enum"
    for function, number, parameters, size in functions(code):
        if parameters > PARAMETERS_MAX:
            yield f"{name}:{number}: {function} has {parameters} parameters, allowed are {PARAMETERS_MAX}"
        if size > FUNCTION_LINES_MAX:
            yield f"{name}:{number}: {function} has {size} lines, allowed are {FUNCTION_LINES_MAX}"


def main():
    paths = [path for folder in ("src", "tests") for path in sorted((ROOT / folder).rglob("*.[ch]"))
             if "yardstick" not in path.parts]  # brought in as it was measured
    faults = [fault for path in paths for fault in judge_file(path)]
    for fault in faults:
        print(fault)
    if not faults:
        print(f"length: ok ({len(paths)} files)")
    return 1 if faults else 0


sys.exit(main())
