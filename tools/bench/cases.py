"""What `make bench-ring` runs: cases, their names, and the scenario of each."""
import itertools
import re

FRAME = 60                                              # 64 bytes on the wire less the check sequence
LINKS = {"gen3x8": (3, 8, 250), "gen3x16": (3, 16, 250), "gen4x16": (4, 16, 500)}
FRAMES = 12000
RINGS = (("split", "fifo"), ("split", "lifo"), ("packed", "fifo"))
IDLE_FRAMES = 24
KEYS = ("part", "link", "width", "queues", "direction", "k", "ring", "ids", "gap_us")


def name_of(case):
    return "-".join(str(case[key]) for key in KEYS if key in case)


def chosen(case, only):
    """Has its name all words of one of these?"""
    return not only or any(set(w.split(",")) <= set(name_of(case).split("-")) for w in only)


def rates():
    keys = ("link", "width", "queues", "direction", "ring", "k")
    values = (LINKS, (512, 256), (1, 4), ("tx", "rx", "both"), RINGS, (1, 8, 32))
    for combination in itertools.product(*values):
        case = dict(zip(keys, combination))
        case["ring"], case["ids"] = case["ring"]
        yield case


def latency():
    """One frame now and then; a gap four times as long must not cost a read more."""
    for (ring, ids), direction, gap in itertools.product((RINGS[0], RINGS[2]), ("tx", "rx"), (20, 80)):
        yield {"part": "latency", "link": "gen3x8", "width": 512, "direction": direction, "ring": ring, "ids": ids, "gap_us": gap}


def engine():
    """The engines alone, each way and both at once."""
    for (ring, ids), direction, queues in itertools.product(RINGS, ("tx", "rx", "both"), (1, 4)):
        yield {"part": "engine", "width": 512, "queues": queues, "direction": direction, "ring": ring, "ids": ids}


def scenario(case, dut):
    """The scenario of a case, as TOML."""
    return {"latency": idle, "engine": alone}.get(case.get("part"), loaded)(case, dut)


def head(case, dut):
    """What every scenario begins with: the device and its build."""
    return f"""
dut = "{dut}"
[parameters]
MAX_QUEUE_SIZE = 1024
DATA_W = {case["width"]}
"""


def still(base_ns):
    """A host whose latency and stores never vary; ends inside [host.latency]."""
    return f"""[host.memory]
visibility_ns_max = 0
[host.latency]
base_ns = {base_ns}
jitter_ns = 0
tail_per_mille = 0
"""


def loaded(case, dut):
    generation, lanes, _ = LINKS[case["link"]]
    k = case["k"]
    return head(case, dut) + f"""[host.link]
generation = {generation}
lanes = {lanes}
ten_bit_tag = {"true" if lanes == 16 else "false"}
[host.latency]
base_ns = {case.get("latency_ns", 1000)}
jitter_ns = 60
tail_per_mille = 10
tail_ns = 400
[host.memory]
visibility_ns_max = {case.get("visibility_ns", 60)}
[driver]
ring = "{case["ring"]}"
queue_pairs = {case["queues"]}
queue_size = 1024
events = "poll"
free_list = "{case["ids"]}"
reaction_ns = {case.get("reaction_ns", 20)}
tx = {{ batch = {k} }}
rx = {{ refill_batch = {k} }}
[traffic]
direction = "{case["direction"]}"
frames = {FRAMES}
spread = "round_robin"
generator = {{ sizes = {{ fixed = {{ bytes = {FRAME} }} }} }}
"""


def idle(case, dut):
    rate = FRAME * 8 / case["gap_us"]
    return head(case, dut) + f"""[limits]
quiet_cycles = 60000
{still(500)}[driver]
ring = "{case["ring"]}"
events = "event_idx"
free_list = "{case["ids"]}"
tx = {{ batch = 1 }}
rx = {{ refill_batch = 1 }}
[traffic]
direction = "{case["direction"]}"
frames = {IDLE_FRAMES}
pace = "timed"
generator = {{ sizes = {{ fixed = {{ bytes = {FRAME} }} }}, rate_mbps = {rate:.0f} }}
"""


def alone(case, dut):
    return head(case, dut) + f"""[limits]
idle_cycles = 4000
[host.link]
generation = 5
lanes = 16
unlimited = true
ten_bit_tag = true
{still(400)}posted_ns = 40
[host.credits]
ph = 127
pd = 2047
nph = 127
npd = 2047
[driver]
ring = "{case["ring"]}"
queue_pairs = {case["queues"]}
queue_size = 1024
events = "poll"
free_list = "{case["ids"]}"
reaction_ns = 4
tx = {{ batch = 64 }}
rx = {{ refill_batch = 64, buffers = {1 if case["direction"] == "tx" else 0} }}
[traffic]
direction = "{case["direction"]}"
frames = 16384
spread = "round_robin"
generator = {{ sizes = {{ fixed = {{ bytes = {FRAME} }} }} }}
"""


def sink_counts(text):
    """Chains a clock of each engine between an eighth and seven eighths of what its sink counted, by direction."""
    lines = {}
    for way, chains, clock in re.findall(r"^sink (\w+) chains (\d+) clock (\d+)$", text, re.MULTILINE):
        lines.setdefault(way, []).append((int(chains), int(clock)))
    found = {}
    for way, points in lines.items():
        first, last = points[len(points) // 8], points[-1 - len(points) // 8]
        if last[1] > first[1]:
            found[way] = round((last[0] - first[0]) / (last[1] - first[1]), 4)
    return found
