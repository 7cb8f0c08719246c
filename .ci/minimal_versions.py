"""Checks that the named crates' dependencies are locked to the very versions that
their Cargo.toml files name, since nothing is known of a version that was not
compiled. It is another one if the named one was never published or was yanked.

usage: minimal_versions.py METADATA CRATE...
"""

import json
import sys


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        metadata = json.load(file)
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    wrong, count = [], 0
    for id, package in packages.items():
        if package["name"] not in sys.argv[2:]:
            continue
        locked = {}
        for dependency in nodes[id]["deps"]:
            found = packages[dependency["pkg"]]
            locked.setdefault(found["name"], set()).add(found["version"])
        for dependency in package["dependencies"]:
            if dependency["kind"] == "dev" or "path" in dependency:
                continue
            name = dependency["name"]
            named = ".".join((dependency["req"].lstrip("^~") + ".0.0").split(".")[:3])
            count += 1
            if named not in locked.get(name, ()):
                found = " and ".join(locked.get(name, ["nothing"]))
                wrong.append(f"{package['name']} names {name} {dependency['req']}, but {found} is the least that can be had")
    if wrong:
        sys.exit("\n".join(wrong))
    print(f"{count} dependencies are locked to the versions that are named")


main()
