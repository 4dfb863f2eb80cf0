"""Tables of `make bench-ring`, for a terminal and for docs/performance.md."""
import itertools

import cases

COLUMNS = {
    "rates": (("link", 8), ("width", 5), ("queues", 6), ("direction", 9), ("ring", 6), ("ids", 4), ("k", 3), ("batch", 6), ("mpps", 7),
              ("link_mpps", 9), ("boundary_mpps", 13), ("ratio", 7), ("requests", 8), ("requests_above", 14), ("up_bytes_above", 14),
              ("down_bytes_above", 16), ("idle_reads", 10), ("passed", 6)),
    "latency": (("ring", 6), ("direction", 9), ("gap_us", 6), ("kick_to_payload", 15), ("payload_to_used", 15), ("used_to_msix", 12),
                ("looks", 6), ("passed", 6)),
    "engine": (("ring", 6), ("ids", 4), ("queues", 6), ("direction", 9), ("tx_per_clock", 12), ("rx_per_clock", 12)),
}


def cell(row, key):
    value = row.get(key)
    if value is None:
        return "-"
    if key == "ratio":
        return f"{value:.1%}"
    if key.endswith("_above"):
        return f"{value:+.1%}"
    if key == "passed":
        return "pass" if value else "FAIL"
    return str(value)


def head(part):
    return f"\n{part}\n" + " ".join(f"{key:>{width}}" for key, width in COLUMNS[part])


def line(part, row):
    return " ".join(f"{cell(row, key):>{width}}" for key, width in COLUMNS[part])


RING = {("split", "fifo"): "split, contiguous", ("split", "lifo"): "split, scattered", ("packed", "fifo"): "packed"}


def rates(rows):
    """One table per link and width: a line per direction, queues and ring; three batches beside each other."""
    for link, width in itertools.product(cases.LINKS, (512, 256)):
        part = [r for r in rows if "ratio" in r and (r["link"], r["width"]) == (link, width)]
        if not part:
            continue
        yield from (f"\n### {link}, {width} bit at {cases.LINKS[link][2]} MHz\n",
                    "| direction | queues | ring | k = 1 | k = 8 | k = 32 | requests above the least, k = 1, 8, 32 |",
                    "|---|---|---|---|---|---|---|")
        for q, d, ring in itertools.product((1, 4), ("tx", "rx", "both"), cases.RINGS):
            found = {r["k"]: r for r in part if (r["queues"], r["direction"], (r["ring"], r["ids"])) == (q, d, ring)}
            if not found:
                continue
            cells = []
            for k in (1, 8, 32):
                r = found.get(k)
                if r is None:
                    cells.append("-")
                    continue
                binds = "L" if r["link_mpps"] <= r["boundary_mpps"] else "B"
                cells.append(f"{r['mpps']:.1f} of {min(r['link_mpps'], r['boundary_mpps']):.1f} {binds} = {r['ratio']:.0%}")
            above = ", ".join(f"{found[k]['requests_above']:+.0%}" if k in found else "-" for k in (1, 8, 32))
            yield f"| {d} | {q} | {RING[ring]} | " + " | ".join(cells) + f" | {above} |"


def plain(part, rows):
    """A table as it is on the terminal."""
    keys = [key for key, _ in COLUMNS[part]]
    yield from (f"\n### {part}\n", "| " + " | ".join(keys) + " |", "|" + "---|" * len(keys))
    for r in rows:
        yield "| " + " | ".join(cell(r, key) for key in keys) + " |"


def markdown(rows):
    text = []
    for part in ("latency", "engine"):
        chosen = [r for r in rows if r.get("part") == part]
        if chosen:
            text += plain(part, chosen)
    return "\n".join(text + list(rates(rows)))
