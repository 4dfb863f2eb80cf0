"""Records what a run drives into a design: a wrapper of the same ports that writes every input to a file.

The wrapper is itself a design with a dut.toml, so any harness that can run the design can make the recording.
One line a cycle: all inputs, each padded to 32-bit words, as one hexadecimal number; then the XOR of all words of
all outputs, so that a replay knows whether it did the same work.
"""

import re
from pathlib import Path

from model import Port, dut_file


def padded(ports: list[Port]) -> str:
    """A concatenation whose word 0 is the first port's."""
    parts = []
    for port in reversed(ports):
        padding = 32 * port.words - port.width_bits
        parts.append(f"{{{padding}'b0, {port.name}}}" if padding else port.name)
    return "{" + ", ".join(parts) + "}"


def parameters_of(source: str, top: str) -> list[str]:
    """Declarations of the top's parameters, so that the wrapper can be given the same ones."""
    header = re.search(rf"\bmodule\s+{top}\b(.*?)\)\s*\(", source, re.S)
    text = re.sub(r"//[^\n]*", "", header[1]) if header else ""
    return re.findall(r"\bparameter\s+([^,()]*?=\s*[^,]*?)\s*(?:,|$)", text, re.S)


def write_recorder(design: dut_file.Design, dut_text: str, ports: list[Port], clock: str, folder: Path, recording: Path) -> Path:
    """Writes the wrapper and its dut.toml to `folder`; returns the latter."""
    folder.mkdir(parents=True, exist_ok=True)
    source = next(f.read_text() for f in design.files if re.search(rf"\bmodule\s+{design.top}\b", f.read_text()))
    declarations = parameters_of(source, design.top)
    names = [re.search(r"(\w+)\s*=", d)[1] for d in declarations]
    inputs, outputs = recorded_inputs(ports, clock), [p for p in ports if not p.is_input]
    top = f"{design.top}_recorder"
    words = sum(p.words for p in outputs)
    pins = ",\n".join(f"    {'input ' if p.is_input else 'output'} logic {f'[{p.width_bits - 1}:0]' if p.width_bits > 1 else ''} {p.name}" for p in ports)
    body = f"""module {top}
{'#(' + ', '.join('parameter ' + d for d in declarations) + ')' if declarations else ''}
(
{pins}
);
    {design.top} {'#(' + ', '.join(f'.{n}({n})' for n in names) + ')' if names else ''} recorded (.*);

    logic [{32 * words - 1}:0] outputs;
    logic [31:0] fold;
    integer file;
    assign outputs = {padded(outputs)};
    always_comb begin
        fold = '0;
        for (int w = 0; w < {words}; w++) fold ^= outputs[32*w +: 32];
    end
    initial file = $fopen("{recording}", "w");
    always @(posedge {clock}) $fwrite(file, "%h %h\\n", {padded(inputs)}, fold);
    final $fclose(file);
endmodule
"""
    (folder / "recorder.sv").write_text(body)
    files = ", ".join(f'"{f.resolve()}"' for f in design.files + [folder / "recorder.sv"])
    includes = ", ".join(f'"{d.resolve()}"' for d in design.include_dirs)
    # Everything else of the description (clock, reset, parameters, meta) is kept as it stands.
    kept = re.sub(r"(?ms)^(top|name|filelist|files|include_dirs|x_random)\s*=\s*(\[.*?\]|[^\n]*)\n", "", dut_text)
    toml = folder / "recorder.toml"
    # State that is not reset begins at zero, as in the replay: random it would differ from model to model.
    toml.write_text(f'name = "{top}"\ntop = "{top}"\nx_random = false\nfiles = [{files}]\ninclude_dirs = [{includes}]\n{kept}')
    return toml


def recorded_inputs(ports: list[Port], clock: str) -> list[Port]:
    return [p for p in ports if p.is_input and p.name != clock]


def to_rows(recording: Path, inputs: list[Port], rows: Path) -> int:
    """Hexadecimal lines to the binary rows of replay.cpp; returns the number of cycles."""
    width = 4 * sum(p.words for p in inputs)
    cycles = 0
    with recording.open() as lines, rows.open("wb") as out:
        for line in lines:
            vector, fold = line.split()
            out.write(bytes.fromhex(vector.zfill(2 * width))[::-1] + bytes.fromhex(fold)[::-1])
            cycles += 1
    return cycles
