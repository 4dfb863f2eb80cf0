#!/usr/bin/env python3
"""User-mode Linux with PCI over virtio, and a guest for it: built once from Debian's own kernel source, kept in .cache/uml.

    tools/uml/kernel.py [--where]

The source is the package linux-source-N.M of Debian's unstable suite, fetched and checked by apt with a list of its own that is derived
from this machine's; the system's lists and packages are left alone. An interrupted build goes on where it was. --where prints the
folder of the newest kernel that is there (files linux and initrd.gz) and builds nothing.
Exit code: 0 it is there, 3 it cannot be had here (no Debian, no network; said why), 1 the build failed.
"""
import fcntl
import gzip
import hashlib
import os
import re
import shutil
import stat
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
CACHE = os.path.join(ROOT, ".cache", "uml")
WORK = os.path.join(CACHE, "build")
SUITE = "sid"
OLDEST = (7, 2)  # Earlier ones die at the first return to userspace on processors with AMX.
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
TOOLS = {"gcc": "gcc", "make": "make", "flex": "flex", "bison": "bison", "bc": "bc", "xz": "xz-utils", "apt-get": "apt", "dpkg-deb": "dpkg"}
# Programs that the guest has besides busybox, where this machine has them.
EXTRAS = ["ethtool"]


class Unavailable(Exception):
    """It cannot be had on this machine, for a reason that is not a fault."""


def say(text):
    print("uml:", text, file=sys.stderr, flush=True)


def config():
    with open(os.path.join(HERE, "config"), encoding="utf-8") as file:
        return file.read()


def digest(*parts):
    hasher = hashlib.sha256()
    for part in parts:
        hasher.update(part if isinstance(part, bytes) else part.encode())
        hasher.update(b"\0")
    return hasher.hexdigest()[:12]


def version_of(name):
    numbers = re.match(r"(\d+(?:\.\d+)*)", name)
    return tuple(map(int, numbers.group(1).split("."))) if numbers else ()


def kernels():
    """Folders with a kernel of today's configuration, the newest version last."""
    mark = "-" + digest(config())
    names = os.listdir(CACHE) if os.path.isdir(CACHE) else []
    found = [n for n in names if n.endswith(mark) and os.path.exists(os.path.join(CACHE, n, "linux"))]
    return [os.path.join(CACHE, n) for n in sorted(found, key=version_of)]


def run(what, command, **options):
    with open(os.path.join(CACHE, "log"), "a", encoding="utf-8") as log:
        log.write(f"$ {' '.join(command)}\n")
        log.flush()
        done = subprocess.run(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, check=False, **options)
    if done.returncode:
        raise RuntimeError(f"{what}: exit code {done.returncode}; details at the end of {CACHE}/log")


def mirror():
    """The address that this machine's apt has Debian from."""
    listed = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(ORIGIN)", "Created-By: Packages"],
        capture_output=True, text=True, check=False).stdout
    try:
        with open("/etc/os-release", encoding="utf-8") as file:
            codename = dict(line.strip().split("=", 1) for line in file if "=" in line).get("VERSION_CODENAME", "").strip('"')
    except OSError:
        codename = ""
    for line in listed.splitlines():
        address, release, component, origin = line.split("|")
        if component == "main" and release in (codename, "sid", "unstable") and origin in ("Debian", "$(ORIGIN)", ""):
            return address
    raise Unavailable("this machine's apt has no Debian main archive to derive a list from")


def apt():
    """Options of apt-get for a list, a state and a cache of our own."""
    folder = os.path.join(CACHE, "apt")
    for sub in ("lists/partial", "cache/archives/partial"):
        os.makedirs(os.path.join(folder, sub), exist_ok=True)
    signed = f"Signed-By: {KEYRING}\n" if os.path.exists(KEYRING) else ""
    with open(os.path.join(folder, "debian.sources"), "w", encoding="utf-8") as file:
        file.write(f"Types: deb\nURIs: {mirror()}\nSuites: {SUITE}\nComponents: main\n{signed}")
    places = {"Dir::Etc::sourcelist": "debian.sources", "Dir::State::lists": "lists", "Dir::Cache": "cache"}
    options = ["-o", "Dir::Etc::sourceparts=/dev/null", "-o", "APT::Sandbox::User=root"]
    for key, place in places.items():
        options += ["-o", f"{key}={os.path.join(folder, place)}"]
    return options


def fetch():
    """The newest kernel source package, fetched: its version and file."""
    options = apt()
    try:
        run("apt-get update", ["apt-get", *options, "update"])
    except RuntimeError as error:
        raise Unavailable(f"Debian's archive cannot be reached ({error})") from error
    names = subprocess.run(["apt-cache", *options, "search", "--names-only", r"^linux-source-[0-9.]+$"],
                           capture_output=True, text=True, check=False).stdout
    versions = sorted({version_of(n.split()[0].removeprefix("linux-source-")) for n in names.splitlines() if n})
    if not versions or versions[-1] < OLDEST:
        raise Unavailable(f"{SUITE} has no linux-source of {'.'.join(map(str, OLDEST))} or later; it has {versions or 'none'}")
    package = "linux-source-" + ".".join(map(str, versions[-1]))
    folder = os.path.join(CACHE, "download")
    os.makedirs(folder, exist_ok=True)
    say(f"fetching Debian package {package} ({SUITE}, 165 MB)")
    run("apt-get download", ["apt-get", *options, "download", package], cwd=folder)
    files = sorted(f for f in os.listdir(folder) if f.startswith(package + "_"))
    return files[-1].split("_")[1].split("-")[0], os.path.join(folder, files[-1])


def unpack(package):
    """The source tree of a package, unpacked whole or not at all."""
    tree = os.path.join(WORK, "source")
    stamp = os.path.join(tree, ".of-package")
    if os.path.exists(stamp) and open(stamp, encoding="utf-8").read() == os.path.basename(package):
        return tree
    say("unpacking")
    shutil.rmtree(WORK, ignore_errors=True)
    os.makedirs(tree)
    run("dpkg-deb", ["dpkg-deb", "-x", package, os.path.join(WORK, "package")])
    inner = os.path.join(WORK, "package", "usr", "src")
    archive = next(f for f in sorted(os.listdir(inner)) if f.endswith(".tar.xz"))
    run("tar", ["tar", "-xJf", os.path.join(inner, archive), "-C", tree, "--strip-components=1"])
    shutil.rmtree(os.path.join(WORK, "package"))
    with open(stamp, "w", encoding="utf-8") as file:
        file.write(os.path.basename(package))
    return tree


def compile_kernel(tree):
    out = os.path.join(WORK, "out")
    os.makedirs(out, exist_ok=True)
    fragment = os.path.join(out, "fragment")
    with open(fragment, "w", encoding="utf-8") as file:
        file.write(config())
    # A build that repeats: no date, no user, no machine in the binary.
    world = dict(os.environ, KCONFIG_ALLCONFIG=fragment, KBUILD_BUILD_TIMESTAMP="@0", KBUILD_BUILD_USER="ringside", KBUILD_BUILD_HOST="ringside")
    make = ["make", "-C", tree, f"O={out}", "ARCH=um"]
    run("configuration", make + ["allnoconfig"], env=world)
    with open(os.path.join(out, ".config"), encoding="utf-8") as file:
        have = set(file.read().splitlines())
    lost = [line for line in config().splitlines() if line.startswith("CONFIG_") and line not in have]
    if lost:
        raise RuntimeError(f"this kernel does not take {', '.join(lost)} (tools/uml/config)")
    say("compiling (2 to 9 minutes)")
    begun = time.monotonic()
    run("make linux", make + [f"-j{os.cpu_count() or 1}", "linux"], env=world)
    say(f"compiled in {time.monotonic() - begun:.0f} s")
    return os.path.join(out, "linux")


def build():
    """Folder of a kernel of today's configuration; built if need be."""
    found = kernels()
    if found:
        return found[-1]
    lacking = [package for tool, package in TOOLS.items() if not shutil.which(tool)]
    if not os.path.exists("/usr/include/libelf.h"):
        lacking.append("libelf-dev")
    if lacking:
        raise Unavailable(f"missing: {' '.join(lacking)} (Debian's names); tools/setup.sh uml installs them")
    version, package = fetch()
    binary = compile_kernel(unpack(package))
    folder = os.path.join(CACHE, f"{version}-{digest(config())}")
    shutil.rmtree(folder + ".part", ignore_errors=True)
    os.makedirs(folder + ".part")
    shutil.copy2(binary, os.path.join(folder + ".part", "linux"))
    run("strip", ["strip", "--strip-debug", os.path.join(folder + ".part", "linux")])
    os.replace(folder + ".part", folder)
    for rest in (WORK, os.path.join(CACHE, "download"), os.path.join(CACHE, "apt")):
        shutil.rmtree(rest, ignore_errors=True)
    say(f"Linux {version} for user mode is in {folder}")
    return folder


# --- the guest ---------------------------------------------------------------------------------------------------------------------


def entry(name, mode, data, inode):
    """One file of a cpio archive (newc): neither owners nor times, so that it repeats."""
    fields = [inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0]
    head = b"070701" + b"".join(b"%08X" % f for f in fields) + name.encode() + b"\0"
    pad = lambda b: b + b"\0" * (-len(b) % 4)
    return pad(head) + pad(data)


def libraries(program):
    """What a program loads, as paths; none for a static one."""
    text = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
    return sorted(set(re.findall(r"(/\S+) \(0x", text)))


def archive():
    """The guest's files: busybox, the extras with their libraries, and its init."""
    busybox = shutil.which("busybox")
    if not busybox or libraries(busybox):
        raise Unavailable("there is no static busybox (Debian: busybox-static)")
    folders = {"bin", "dev", "proc", "sys", "tmp"}
    files = {"bin/busybox": open(busybox, "rb").read(), "init": open(os.path.join(HERE, "init"), "rb").read()}
    for extra in filter(None, (shutil.which(e) for e in EXTRAS)):
        files["bin/" + os.path.basename(extra)] = open(extra, "rb").read()
        for library in libraries(extra):
            files[library.lstrip("/")] = open(library, "rb").read()
    for path in list(files):
        while "/" in path:
            path = path.rsplit("/", 1)[0]
            folders.add(path)
    applets = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout.split()
    links = [a for a in applets if f"bin/{a}" not in files]
    items = [(f, stat.S_IFDIR | 0o755, b"") for f in sorted(folders)]
    items += [(f, stat.S_IFREG | 0o755, data) for f, data in sorted(files.items())]
    items += [(f"bin/{a}", stat.S_IFLNK | 0o777, b"busybox") for a in sorted(links)]
    parts = [entry(name, mode, data, number) for number, (name, mode, data) in enumerate(items, 1)]
    return b"".join(parts) + entry("TRAILER!!!", 0, b"", 0)


def guest(folder):
    """Packs the guest beside the kernel, if it is another than the one there."""
    data = archive()
    path, mark = os.path.join(folder, "initrd.gz"), os.path.join(folder, "initrd.of")
    now = digest(data)
    if not (os.path.exists(path) and os.path.exists(mark) and open(mark, encoding="utf-8").read() == now):
        with open(path + ".part", "wb") as file:
            file.write(gzip.compress(data, 6, mtime=0))
        os.replace(path + ".part", path)
        with open(mark, "w", encoding="utf-8") as file:
            file.write(now)
    return path


def steady(folder):
    """Compiles what takes chance from the kernel, if it is not there; None without a compiler."""
    source = os.path.join(HERE, "steady.c")
    with open(source, "rb") as file:
        path = os.path.join(folder, f"steady-{digest(file.read())}.so")
    if not os.path.exists(path):
        if not shutil.which("gcc"):
            return None
        run("gcc", ["gcc", "-O1", "-shared", "-fPIC", "-o", path + ".part", source])
        os.replace(path + ".part", path)
    return path


def there():
    """Kernel, guest and what makes runs repeat, if a kernel is there: their paths."""
    found = kernels()
    return (os.path.join(found[-1], "linux"), guest(found[-1]), steady(found[-1])) if found else None


def main():
    if sys.argv[1:] not in ([], ["--where"]):
        print(__doc__, file=sys.stderr)
        return 2
    os.makedirs(CACHE, exist_ok=True)
    try:
        with open(os.path.join(CACHE, "lock"), "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if sys.argv[1:] == ["--where"]:
                if not kernels():
                    raise Unavailable("no kernel of this configuration has been built; tools/setup.sh uml does it")
                folder = kernels()[-1]
            else:
                folder = build()
            guest(folder)
            steady(folder)
        print(folder)
        return 0
    except Unavailable as why:
        say(f"SKIPPED: {why}")
        return 3
    except (RuntimeError, OSError) as error:
        say(f"FAILED: {error}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
