"""The figure of docs/split-packed.md: requests and bytes a packet as the batch grows, measured beside the formulas."""
import math

RINGS = (("split", "fifo", "split, contiguous ids", "#0072b2"), ("split", "lifo", "split, scattered ids", "#d55e00"),
         ("packed", "fifo", "packed", "#009e73"))
PANELS = (("requests", "DMA requests a packet"), ("up", "link bytes a packet, device to host"),
          ("down", "link bytes a packet, host to device"))
WIDTH, HEIGHT, LEFT, TOP, GAP = 250, 180, 46, 46, 62


def panel(rows, direction, key, title, x0, y0):
    """One pair of axes: lines are the formulas, dots what was measured."""
    part = [r for r in rows if r["direction"] == direction]
    if not part:
        return
    ks = sorted({r["k"] for r in part})
    top = max(max(r[key], r[f"{key}_formula"]) for r in part) * 1.08

    def at(k, value):
        span = max(1, math.log2(ks[-1] / ks[0]))
        return x0 + WIDTH * math.log2(k / ks[0]) / span, y0 + HEIGHT * (1 - value / top)

    yield f'<text x="{x0}" y="{y0 - 10}" font-weight="bold">{"transmit" if direction == "tx" else "receive"}: {title}</text>'
    step = 10 ** math.floor(math.log10(top))
    step = step if top / step >= 3 else step / 2 if top / step >= 1.5 else step / 4
    for i in range(int(top / step) + 1):
        y = at(ks[0], i * step)[1]
        yield f'<line x1="{x0}" y1="{y:.1f}" x2="{x0 + WIDTH}" y2="{y:.1f}" stroke="#ddd"/>'
        yield f'<text x="{x0 - 6}" y="{y + 4:.1f}" text-anchor="end">{i * step:g}</text>'
    for k in ks:
        x = at(k, 0)[0]
        yield f'<text x="{x:.1f}" y="{y0 + HEIGHT + 16}" text-anchor="middle">{k}</text>'
    for ring, ids, _, colour in RINGS:
        line = sorted((r for r in part if (r["ring"], r["ids"]) == (ring, ids)), key=lambda r: r["k"])
        points = " ".join("{:.1f},{:.1f}".format(*at(r["k"], r[f"{key}_formula"])) for r in line)
        yield f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.6"/>'
        for r in line:
            x, y = at(r["k"], r[key])
            yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.2" fill="{colour}"/>'


def draw(rows):
    width = LEFT + len(PANELS) * (WIDTH + GAP)
    height = TOP + 2 * (HEIGHT + GAP) + 20
    text = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="11">',
            f'<rect width="{width}" height="{height}" fill="#fff"/>']
    for i, (key, title) in enumerate(PANELS):
        for j, direction in enumerate(("tx", "rx")):
            text += panel(rows, direction, key, title, LEFT + i * (WIDTH + GAP), TOP + j * (HEIGHT + GAP))
    x = LEFT
    for _, _, name, colour in RINGS:
        text.append(f'<circle cx="{x}" cy="{height - 14}" r="4" fill="{colour}"/><text x="{x + 8}" y="{height - 10}">{name}</text>')
        x += 170
    text.append(f'<text x="{x}" y="{height - 10}">across: packets of a batch; lines: formulas, dots: the device</text></svg>')
    return "\n".join(text) + "\n"
