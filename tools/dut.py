"""Reads a design description (dut.toml and its file list) for the lint and bench scripts.

The harness has its own, stricter reader (sim/src/dut.rs); this one takes the same files and knows the keys
that an elaborator needs.
"""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Design:
    top: str
    files: list[Path] = field(default_factory=list)
    include_dirs: list[Path] = field(default_factory=list)
    defines: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, object] = field(default_factory=dict)

    def parameter_literal(self, name: str) -> str:
        value = self.parameters[name]
        if isinstance(value, bool):
            return str(int(value))
        if isinstance(value, int) or "'" in str(value):
            return str(value)
        return f'"{value}"'

    def read_list(self, path: Path) -> None:
        """Paths in a list are relative to the folder of that list."""
        for line in path.read_text().splitlines():
            words = line.split("//")[0].split("#")[0].split()
            while words:
                word = words.pop(0)
                if word in ("-f", "-F"):
                    self.read_list(path.parent / words.pop(0))
                elif word.startswith("+incdir+"):
                    self.include_dirs += [path.parent / d for d in word[8:].split("+") if d]
                elif word.startswith("-I"):
                    self.include_dirs.append(path.parent / (word[2:] or words.pop(0)))
                elif word.startswith("+define+"):
                    for text in filter(None, word[8:].split("+")):
                        name, _, value = text.partition("=")
                        self.defines[name] = value
                elif word.startswith(("-", "+")):
                    raise SystemExit(f"{path}: `{word}` is not understood")
                else:
                    self.files.append(path.parent / word)


def load(path: Path) -> Design:
    raw = tomllib.loads(path.read_text())
    design = Design(top=raw["top"], parameters=raw.get("parameters", {}))
    design.include_dirs = [path.parent / d for d in raw.get("include_dirs", [])]
    design.defines = {k: str(int(v) if isinstance(v, bool) else v) for k, v in raw.get("defines", {}).items()}
    if "filelist" in raw:
        design.read_list(path.parent / raw["filelist"])
    for name in raw.get("files", []):
        if name.startswith(("-f ", "-F ")):
            design.read_list(path.parent / name[3:].strip())
        else:
            design.files.append(path.parent / name)
    return design
