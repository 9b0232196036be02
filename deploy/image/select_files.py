#!/usr/bin/env python3
"""Copies out of a Debian root what Reelgate's two programs need: the programs, the plugins on the worker's list, every library that these
load, character sets, the recogniser's data and certificates. No shell, no package manager. Prints the Debian packages that are represented.

usage: select_files.py ROOT INTO PLUGINS.RS
"""

import os
import re
import shutil
import subprocess
import sys

USER = 64900
LIBRARIES = "/usr/lib/x86_64-linux-gnu"
# What programs open by name, so that no list of libraries shows it.
OPENED = [
    f"{LIBRARIES}/libgcc_s.so.1",  # threads that end
    f"{LIBRARIES}/libtesseract.so.5",
    "/usr/share/tesseract-ocr",
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/nsswitch.conf",
    "/etc/os-release",
    "/usr/lib/os-release",
    "/etc/debian_version",
    "/usr/lib/locale/C.utf8",
    "/etc/reelgate/reelgate.toml",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
]
# The converters of pipelines/worker/src/plugins.rs, and what they load.
CONVERTERS = ["gconv-modules", "gconv-modules.cache", "gconv-modules.d"] + [
    f"{name}.so" for name in ("ISO8859-1", "ISO8859-2", "ISO8859-15", "CP1250", "CP1251", "CP1252", "MACINTOSH", "SJIS")
]


def main(root, into, plugin_list):
    programs = ["/usr/bin/reelgate", "/usr/bin/reelgate-worker"]
    names = re.findall(r'^\s*\("(\w+)", (Required|Optional)\),', open(plugin_list).read(), re.M)
    plugins = []
    for name, need in names:
        plugin = f"{LIBRARIES}/gstreamer-1.0/libgst{name}.so"
        if os.path.exists(root + plugin):
            plugins.append(plugin)
        elif need == "Required":
            sys.exit(f"image: expected {plugin} in the packages, found none")
    linked = programs + plugins + [f"{LIBRARIES}/libtesseract.so.5"]
    wanted = set(programs + plugins + OPENED) | libraries(root, linked)
    wanted |= {f"{LIBRARIES}/gconv/{name}" for name in CONVERTERS}

    shutil.rmtree(into, ignore_errors=True)
    copied = set()
    for path in sorted(wanted):
        copy(root, into, path, copied)
    for link, to in (("bin", "usr/bin"), ("lib", "usr/lib"), ("lib64", "usr/lib64")):
        if not os.path.lexists(f"{into}/{link}"):
            os.symlink(to, f"{into}/{link}")
    write(into, "/etc/passwd", f"root:x:0:0:root:/:/usr/sbin/nologin\nreelgate:x:{USER}:{USER}:Reelgate:/var/lib/reelgate:/usr/sbin/nologin\n")
    write(into, "/etc/group", f"root:x:0:\nreelgate:x:{USER}:\n")
    for folder, mode, owner in (("/tmp", 0o1777, 0), ("/proc", 0o555, 0), ("/sys", 0o555, 0), ("/dev", 0o755, 0), ("/var/lib/reelgate", 0o750, USER)):
        os.makedirs(into + folder, exist_ok=True)
        os.chown(into + folder, owner, owner)
        os.chmod(into + folder, mode)
    subprocess.run(["ldconfig", "-r", into, "-X"], check=True)
    for leftover in ("/var/cache/ldconfig", "/etc/ld.so.conf"):
        remove(into + leftover)

    packages = owners(root, copied)
    represented = {package: text for package, text in sorted(descriptions(root).items()) if package in packages}
    # Scanners of images look there for packages.
    write(into, "/var/lib/dpkg/status", "\n\n".join(represented.values()) + "\n")
    for package, description in represented.items():
        copyright = f"/usr/share/doc/{package}/copyright"
        if os.path.exists(root + copyright):
            copy(root, into, copyright, set())
        print(package, re.search(r"^Version: (.*)$", description, re.M)[1])


def libraries(root, files):
    """Everything that the loader maps for these files."""
    said = subprocess.run(["chroot", root, "ldd", *files], capture_output=True, text=True, env={"LC_ALL": "C", "PATH": "/usr/bin:/usr/sbin"})
    if "not found" in said.stdout:
        sys.exit("image: a library is missing:\n" + "\n".join(line for line in said.stdout.splitlines() if "not found" in line))
    found = set(re.findall(r"=> (/\S+) \(", said.stdout)) | set(re.findall(r"^\s+(/\S+) \(", said.stdout, re.M))
    return found


def copy(root, into, path, copied):
    """Copies a file, a link with its target, or a folder with everything in it, at its real place below /usr."""
    path = os.path.join(os.path.realpath(root + os.path.dirname(path)).removeprefix(os.path.realpath(root)), os.path.basename(path))
    source = root + path
    if path in copied or not os.path.lexists(source):
        return
    copied.add(path)
    if os.path.isdir(source) and not os.path.islink(source):
        for name in sorted(os.listdir(source)):
            copy(root, into, f"{path}/{name}", copied)
        return
    os.makedirs(os.path.dirname(into + path), mode=0o755, exist_ok=True)
    if os.path.islink(source):
        target = os.readlink(source)
        os.symlink(target, into + path)
        copy(root, into, target if target.startswith("/") else os.path.normpath(f"{os.path.dirname(path)}/{target}"), copied)
        return
    shutil.copy2(source, into + path)
    os.chmod(into + path, os.stat(source).st_mode & 0o755)


def owners(root, files):
    """The packages that these files are from."""
    lists, packages = f"{root}/var/lib/dpkg/info", set()
    wanted = files | {"/" + os.path.relpath(path, "/usr") for path in files if path.startswith("/usr/lib")}
    for name in os.listdir(lists):
        if name.endswith(".list") and wanted & set(open(f"{lists}/{name}").read().splitlines()):
            packages.add(name.removesuffix(".list").split(":")[0])
    return packages


def descriptions(root):
    status = open(f"{root}/var/lib/dpkg/status").read().strip().split("\n\n")
    return {re.search(r"^Package: (.*)$", one, re.M)[1]: one for one in status}


def write(into, path, text):
    os.makedirs(os.path.dirname(into + path), mode=0o755, exist_ok=True)
    with open(into + path, "w") as file:
        file.write(text)
    os.chmod(into + path, 0o644)


def remove(path):
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.remove(path)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    os.umask(0o022)
    main(os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), sys.argv[3])
