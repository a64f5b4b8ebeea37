"""Writes a lock for each image: the lines of requirements.lock that its extra needs, with their hashes.

`python locks.py OUT` in the folder of pyproject.toml and requirements.lock writes OUT/<extra>.lock. Which packages an
extra comes to is resolved by uv within the versions of requirements.lock; a package that is not in it ends the build.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

LOCK = Path("requirements.lock")
OWN = re.compile(r"fairlead\[(.+)\]")
SERVICES = ("gateway", "profiler", "trainer", "serving", "drift", "conductor")
# What both have is a layer that both share.
SHARED = ("models", ("trainer", "serving"))


def requirements(extra: str, project: dict[str, Any]) -> list[str]:
    """Return what an extra asks for, without what the plain install brings: client and command line are not in it."""
    asked = project["optional-dependencies"][extra]
    own = [part for each in asked if (found := OWN.match(each)) for part in found[1].split(",")]
    return [each for each in asked if not OWN.match(each)] + [
        each for part in own for each in requirements(part, project)
    ]


def resolved(asked: list[str]) -> set[str]:
    """Return the packages, as name==version, that these requirements come to within the lock."""
    uv = str(Path(sys.executable).with_name("uv"))
    command = [uv, "pip", "compile", "--quiet", "--no-header", "--no-annotate", "--constraint", str(LOCK), "-"]
    done = subprocess.run(command, check=True, input="\n".join(asked), stdout=subprocess.PIPE, text=True)
    return set(done.stdout.split())


def entries(lock: str) -> dict[str, str]:
    """Return each requirement of a lock with its hashes, by name==version."""
    return {re.split(r"[ ;]", entry, maxsplit=1)[0]: entry for entry in re.split(r"\n(?=\S)", lock.strip())}


def main(out: Path) -> None:
    """Write all locks."""
    out.mkdir(parents=True)
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    packages = {extra: resolved(requirements(extra, project)) for extra in ("kit", *SERVICES)}
    packages["client"] = resolved(project["dependencies"])
    packages["operator"] = resolved(requirements("operator", project) + project["dependencies"])
    name, sharers = SHARED
    packages[name] = set.intersection(*(packages[extra] for extra in sharers))
    known = entries(LOCK.read_text())
    for extra, names in packages.items():
        if unknown := names - known.keys():
            sys.exit(f"{extra} needs what {LOCK} lacks: {', '.join(sorted(unknown))}; run `make lock`")
        (out / f"{extra}.lock").write_text("".join(f"{known[each]}\n" for each in sorted(names)))
        print(f"{extra}: {len(names)} packages")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
