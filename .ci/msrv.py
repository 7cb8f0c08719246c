"""Checks that no dependency of the named crates needs a newer Rust than they promise.

usage: msrv.py METADATA CRATE...
"""

import json
import sys


def version(text):
    return tuple(int(part) for part in (text + ".0.0").split(".")[:3])


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        metadata = json.load(file)
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    todo = [id for id in packages if packages[id]["name"] in sys.argv[2:]]
    ours = max(version(packages[id]["rust_version"]) for id in todo)
    seen, silent, wrong = set(), 0, []
    while todo:
        id = todo.pop()
        if id in seen:
            continue
        seen.add(id)
        needs = packages[id]["rust_version"]
        if needs is None:
            silent += 1
        elif version(needs) > ours:
            wrong.append(f"{packages[id]['name']} {packages[id]['version']} needs Rust {needs}")
        for dependency in nodes[id]["deps"]:
            # Development dependencies are nobody's but ours.
            if any(kind["kind"] != "dev" for kind in dependency["dep_kinds"]):
                todo.append(dependency["pkg"])
    promise = ".".join(map(str, ours))
    print(f"{len(seen)} crates need no newer Rust than {promise}; {silent} of them do not say")
    sys.exit("\n".join(wrong) or 0)


main()
