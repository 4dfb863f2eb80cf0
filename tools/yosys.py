#!/usr/bin/env python3
"""A `yosys` command over the pyosys wheel, which has the library and no command.

    yosys.py [-q] [-l LOG] [-p "COMMANDS"]... [-s SCRIPT]... [-o OUT] [FILE]...

Files ending in .ys are scripts, .il RTLIL, anything else is read with `read_slang`.
"""

import getopt
import os
import sys

from pyosys import libyosys as ys


def main() -> None:
    options, files = getopt.gnu_getopt(sys.argv[1:], "Vql:p:s:o:")
    commands, out = [], None
    for option, value in options:
        if option == "-V":
            version = ys.yosys_maybe_version
            print(version() if callable(version) else version)
            return
        if option == "-q":
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        if option == "-l":
            os.dup2(os.open(value, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), 1)
        if option == "-p":
            commands.append(value)
        if option == "-s":
            commands.append("script " + value)
        if option == "-o":
            out = value
    design = ys.Design()
    for name in files:
        kind = "script " if name.endswith(".ys") else "read_rtlil " if name.endswith(".il") else "read_slang "
        ys.run_pass(kind + name, design)
    for command in commands:
        ys.run_pass(command, design)
    if out:
        ys.run_backend(out, "auto", design)


if __name__ == "__main__":
    main()
