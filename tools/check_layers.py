#!/usr/bin/env python3
"""check_layers.py - hold every #include of src/ to tools/layers.txt.

Also: a .c file includes its own header first, and nobody includes a .c file.
Prints one line a fault, `file:line: what is wrong`, and exits 1; or one line and exits 0.
"""
import fnmatch
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r'\s*#\s*include\s*([<"])([^>"]+)[>"]')


class Rules:
    def __init__(self, path):
        self.layers, self.headers, self.extras, self.corners = {}, {}, [], []
        for number, line in enumerate(path.read_text().splitlines(), 1):
            line = line.split("#")[0].strip()
            if not line:
                continue
            kind, _, rest = line.partition(" ")
            fields = [field.split() for field in rest.split(":")]
            if kind == "layer" and len(fields) == 3 and len(fields[0]) == 1:
                name = fields[0][0]
                self.layers[name], self.headers[name] = set(fields[1]), fields[2]
            elif kind == "extra" and len(fields) == 2:
                self.extras.append(tuple(fields))
            elif kind == "corner" and len(fields) == 2:
                self.corners.append(tuple(fields))
            else:
                sys.exit(f"tools/layers.txt:{number}: cannot read this rule: {line}")

    def judge_system(self, file, layer, header):
        """What is wrong with `#include <header>` in src/`file`; None when nothing is."""
        for headers, files in self.corners:
            if matches(header, headers) and not matches(file, files):
                return f"only {' '.join(files)} may include <{header}>"
        allowed = list(self.headers[layer])
        for files, headers in self.extras:
            if matches(file, files):
                allowed += headers
        if not matches(header, allowed):
            return f"{layer}/ may not include <{header}>"
        return None

    def judge_own(self, layer, header):
        """What is wrong with `#include "header"` in a file of `layer`; None when nothing is."""
        target, slash, _ = header.partition("/")
        if not slash:
            return f'write "{layer}/{header}", not "{header}"'
        if header.endswith(".c"):
            return f'"{header}" is not a header'
        if target not in self.layers:
            return f'"{header}" is outside of the layers'
        if target not in self.layers[layer]:
            return f"{layer}/ may not include {target}/"
        return None


def matches(name, patterns):
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def judge_file(rules, path):
    file = path.relative_to(ROOT / "src").as_posix()
    layer = file.split("/")[0]
    if layer not in rules.layers:
        yield f"src/{file}:1: folder src/{layer}/ has no line in tools/layers.txt"
        return
    stem = file[:-2]
    first = file.endswith(".c") and (ROOT / "src" / f"{stem}.h").exists()
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = INCLUDE.match(line)
        if match is None:
            continue
        bracket, header = match.groups()
        # Of several own headers (ws.h, ws_internal.h) any may be the first.
        if first and header != f"{stem}.h" and not header.startswith(f"{stem}_"):
            yield f'src/{file}:{number}: its own header "{stem}.h" comes first'
        first = False
        if bracket == "<":
            fault = rules.judge_system(file, layer, header)
        else:
            fault = rules.judge_own(layer, header)
        if fault is not None:
            yield f"src/{file}:{number}: {fault}"


def main():
    rules = Rules(ROOT / "tools" / "layers.txt")
    paths = sorted((ROOT / "src").rglob("*.[ch]"))
    faults = [fault for path in paths for fault in judge_file(rules, path)]
    for fault in faults:
        print(fault)
    if not faults:
        print(f"layers: ok ({len(paths)} files)")
    return 1 if faults else 0


sys.exit(main())
