#!/usr/bin/env python3
"""An interactive SMT-LIB solver on standard input, over the bitwuzla wheel, which has the library and no command.

    formal_solver.py SECONDS        of one question

Knows what tools/formal_smt.py says: definitions, assertions, (push 1), (pop 1), (check-sat), (get-value (TERM)).
"""

import sys

from bitwuzla import Bitwuzla, Option, Options, Parser, TermManager


class Session:
    """Text goes to the parser in one piece as late as possible: it is what costs."""

    def __init__(self, seconds: float):
        options = Options()
        options.set(Option.PRODUCE_MODELS, True)
        options.set(Option.TIME_LIMIT_PER, int(seconds * 1000))
        self.parser = Parser(TermManager(), options)
        self.text: list[str] = []

    def flush(self) -> Bitwuzla:
        if self.text:
            self.parser.parse("\n".join(self.text), False, False)
            self.text = []
        return self.parser.bitwuzla()

    def take(self, line: str) -> None:
        # The parser forgets the level of assertions between two calls, so levels are told to the solver itself.
        if line.startswith("(push"):
            self.flush().push(1)
        elif line.startswith("(pop"):
            self.flush().pop(1)
        elif line.startswith("(check-sat"):
            print(self.flush().check_sat(), flush=True)
        elif line.startswith("(get-value"):
            solver = self.flush()
            print(solver.get_value(self.parser.parse_term(line[len("(get-value (") :].rstrip()[:-2])).value(2), flush=True)
        else:
            self.text.append(line)


def main() -> None:
    session = Session(float(sys.argv[1]))
    for line in sys.stdin:
        session.take(line)


if __name__ == "__main__":
    main()
