"""How a counterexample is shown: a table of what changes, and a waveform file with everything."""

from pathlib import Path

from formal_smt import Step

COLUMNS_MAX = 16
ROWS_MAX = 60


def depth_of(name: str) -> int:
    return name.count(".")


def table(trace: list[Step]) -> str:
    """Signals down, clocks across, hexadecimal; only what is not the same throughout, the property module's own first."""
    first = max(0, len(trace) - COLUMNS_MAX)
    shown = trace[first:]
    rows, seen = [], set()
    for name in sorted(trace[0].values, key=lambda n: (depth_of(n), n)):
        values = tuple(step.values[name] for step in trace)
        if len(set(values)) == 1 or (values in seen and depth_of(name)):
            continue  # a wire that carries what another one carries is a port
        seen.add(values)
        rows.append((name, [f"{step.values[name]:x}" for step in shown]))
    width = max((len(name) for name, _ in rows[:ROWS_MAX]), default=5)
    columns = [max(len(str(first + i)), *(len(r[1][i]) for r in rows[:ROWS_MAX])) if rows else 1 for i in range(len(shown))]
    lines = ["clock".ljust(width) + "  " + " ".join(str(first + i).rjust(c) for i, c in enumerate(columns))]
    lines += [name.ljust(width) + "  " + " ".join(v.rjust(c) for v, c in zip(values, columns)) for name, values in rows[:ROWS_MAX]]
    if len(rows) > ROWS_MAX:
        lines.append(f"... {len(rows) - ROWS_MAX} more in the waveform")
    return "\n".join(lines)


def vcd(path: Path, trace: list[Step]) -> None:
    """All wires, one time unit a clock."""
    names = sorted(trace[0].values)
    bits = {n: max(1, max(step.values[n].bit_length() for step in trace)) for n in names}
    head = ["$timescale 1 ns $end", "$scope module proof $end"]
    head += [f"$var wire {bits[n]} s{i} {n} $end" for i, n in enumerate(names)]
    body = ["$upscope $end", "$enddefinitions $end"]
    for time, step in enumerate(trace):
        body.append(f"#{time}")
        body += [f"b{step.values[n]:b} s{i}" for i, n in enumerate(names) if time == 0 or step.values[n] != trace[time - 1].values[n]]
    body.append(f"#{len(trace)}")
    path.write_text("\n".join(head + body) + "\n")
