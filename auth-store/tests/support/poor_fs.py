"""Mounts a file system in memory that lacks what a real one may lack, and runs a program.

poor_fs.py DIRECTORY CHMOD MODE LOCK_ERROR PROGRAM ARGUMENT...

Everything in it has MODE, in octal, besides its own. CHMOD is "succeeds", though it does not
change that, or "fails". LOCK_ERROR is the number that a lock is answered with; 0 is success.

It speaks the kernel's protocol (linux/fuse.h). It exits with 77 if nothing can be mounted.
"""

import ctypes
import errno
import os
import struct
import subprocess
import sys
import threading

directory, chmod, loose, lock_error, program = (
    sys.argv[1], sys.argv[2], int(sys.argv[3], 8), int(sys.argv[4]), sys.argv[5:])

DIR, FILE = 0o040000, 0o100000


class Node:
    def __init__(self, mode):
        self.mode = mode
        self.children = {}
        self.data = bytearray()
        self.times = (0, 0)


nodes = {1: Node(DIR | 0o755)}


class Error(Exception):
    pass


def attributes(number):
    node = nodes[number]
    # As a mount whose root is another file system's.
    mode = node.mode if number == 1 else node.mode | loose
    seconds, nanos = node.times
    return struct.pack(
        "<6Q10I", number, len(node.data), 1, seconds, seconds, seconds, nanos, nanos, nanos,
        mode, 2 if mode & DIR else 1, 0, 0, 0, 512, 0)


def entry(number):
    return struct.pack("<4Q2I", number, 0, 0, 0, 0, 0) + attributes(number)


def name(body):
    return body.split(b"\0")[0]


def child(number, body):
    try:
        return nodes[number].children[name(body)]
    except KeyError:
        raise Error(errno.ENOENT)


def make(number, body, mode):
    made = max(nodes) + 1
    nodes[made] = Node(mode)
    nodes[number].children[name(body)] = made
    return made


def set_attributes(number, body):
    node = nodes[number]
    valid, _, _, size, _, _, modified, _, _, nanos, _, mode = struct.unpack("<2I6Q4I", body[:72])
    if valid & 1:
        if chmod == "fails":
            raise Error(errno.EPERM)
        node.mode = node.mode & 0o170000 | mode & 0o7777
    if valid & 8:
        node.data = node.data[:size].ljust(size, b"\0")
    if valid & 32:
        node.times = (modified, nanos)
    return struct.pack("<Q2I", 0, 0, 0) + attributes(number)


def read_directory(number, body):
    _, offset, size = struct.unpack("<2QI", body[:20])
    found = b""
    children = list(nodes[number].children.items())
    for index, (called, made) in enumerate(children[offset:], offset + 1):
        one = struct.pack("<2Q2I", made, index, len(called), 0) + called
        one += b"\0" * (-len(one) % 8)
        if len(found) + len(one) > size:
            break
        found += one
    return found


def write(number, body):
    _, offset, size = struct.unpack("<2QI", body[:20])
    node = nodes[number]
    node.data = node.data.ljust(offset, b"\0")
    node.data[offset:offset + size] = body[40:40 + size]
    return struct.pack("<2I", size, 0)


def rename(number, body, skip):
    (to,) = struct.unpack("<Q", body[:8])
    old, new = body[skip:].split(b"\0")[:2]
    nodes[to].children[new] = nodes[number].children.pop(old)
    return b""


def opened(*_):
    # Directly, so that nothing is cached.
    return struct.pack("<Q2I", 0, 1, 0)


def answer(operation, number, body):
    if operation == 26:  # INIT
        # FUSE_FLOCK_LOCKS: the kernel asks for locks. Otherwise it has its own.
        flags = 1 << 10 if lock_error else 0
        return struct.pack("<4I2H2I2H8I", 7, 31, 0, flags, 0, 0, 65536, 1, *[0] * 10)
    if operation == 1:  # LOOKUP
        return entry(child(number, body))
    if operation == 3:  # GETATTR
        return struct.pack("<Q2I", 0, 0, 0) + attributes(number)
    if operation == 4:
        return set_attributes(number, body)
    if operation == 9:  # MKDIR
        mode, umask = struct.unpack("<2I", body[:8])
        return entry(make(number, body[8:], DIR | mode & 0o7777 & ~umask))
    if operation == 35:  # CREATE
        _, mode, umask = struct.unpack("<3I", body[:12])
        return entry(make(number, body[16:], FILE | mode & 0o7777 & ~umask)) + opened()
    if operation in (10, 11):  # UNLINK, RMDIR
        child(number, body)
        del nodes[number].children[name(body)]
        return b""
    if operation in (12, 45):  # RENAME, RENAME2
        return rename(number, body, 8 if operation == 12 else 16)
    if operation in (14, 27):  # OPEN, OPENDIR
        return opened()
    if operation == 15:  # READ
        _, offset, size = struct.unpack("<2QI", body[:20])
        return bytes(nodes[number].data[offset:offset + size])
    if operation == 16:
        return write(number, body)
    if operation == 28:
        return read_directory(number, body)
    if operation == 17:  # STATFS
        return b"\0" * 80
    if operation in (32, 33):  # SETLK, SETLKW
        # Unlocking is no request that fails.
        (kind,) = struct.unpack("<I", body[32:36])
        raise Error(0 if kind == 2 else lock_error)
    if operation in (18, 20, 25, 29, 30, 34, 38):  # RELEASE, FSYNC, FLUSH, ...
        return b""
    raise Error(errno.ENOSYS)


def serve(device):
    while True:
        try:
            request = os.read(device, 1 << 20)
        except OSError as error:
            if error.errno == errno.ENODEV:  # It is not mounted any more.
                return
            continue
        _, operation, unique, number = struct.unpack("<2I2Q", request[:24])
        if operation in (2, 36, 42):  # FORGET, INTERRUPT, BATCH_FORGET
            continue
        try:
            found, code = answer(operation, number, request[40:]), 0
        except Error as error:
            found, code = b"", -error.args[0]
        os.write(device, struct.pack("<IiQ", 16 + len(found), code, unique) + found)


try:
    device = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0".encode()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"poor_fs", directory.encode(), b"fuse", 6, options) != 0:
        raise OSError(ctypes.get_errno(), "mount")
except OSError as error:
    print(f"nothing can be mounted: {error}")
    sys.exit(77)
threading.Thread(target=serve, args=(device,), daemon=True).start()
sys.stdout.flush()
code = subprocess.run(program).returncode
libc.umount2(directory.encode(), 2)
os._exit(code & 0xFF)
