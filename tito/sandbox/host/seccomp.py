"""A filter of system calls for guests under bubblewrap (Linux, x86-64 and ARM64).

It refuses what a judged computation never needs and what would get around the other walls: new
namespaces (with their own unbounded file systems), memory that no limit counts, other processes'
memory, and the younger parts of the kernel that sandboxes are usually left through.
"""

from __future__ import annotations

import errno
import platform
import struct

# fmt: off
MACHINES = {  # machine -> (the kernel's number of it, clone, calls that are refused)
    "x86_64": (0xC000003E, 56, {
        "shmget": 29, "msgget": 68, "ptrace": 101, "pivot_root": 155, "mount": 165, "umount2": 166,
        "kexec_load": 246, "add_key": 248, "request_key": 249, "keyctl": 250, "unshare": 272,
        "perf_event_open": 298, "setns": 308, "process_vm_readv": 310, "process_vm_writev": 311,
        "memfd_create": 319, "bpf": 321, "userfaultfd": 323,
    }),
    "aarch64": (0xC00000B7, 220, {
        "umount2": 39, "mount": 40, "pivot_root": 41, "unshare": 97, "kexec_load": 104,
        "ptrace": 117, "msgget": 186, "shmget": 194, "add_key": 217, "request_key": 218,
        "keyctl": 219, "perf_event_open": 241, "setns": 268, "process_vm_readv": 270,
        "process_vm_writev": 271, "memfd_create": 279, "bpf": 280, "userfaultfd": 282,
    }),
}
SINCE_5 = {  # the same numbers on all machines
    "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427, "open_tree": 428,
    "move_mount": 429, "fsopen": 430, "fsconfig": 431, "fsmount": 432, "mount_setattr": 442,
    "memfd_secret": 447,
}
# fmt: on
CLONE3 = 435  # its flags cannot be seen by a filter: "not implemented" makes libc use clone
NEW_NAMESPACES = 0x7E020080  # the flags of clone that begin with CLONE_NEW
FOREIGN = 0x40000000  # x86-64's second set of numbers begins here
ALLOW, REFUSE = 0x7FFF0000, 0x00050000
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
NUMBER, MACHINE, FIRST_ARGUMENT = 0, 4, 16  # offsets in what the kernel shows the filter

Instruction = tuple[int, int, int, int]  # code, skip if true, skip if false, value


def program() -> bytes:
    """The filter as the kernel reads it; b"" for machines we do not know."""
    if platform.machine() not in MACHINES:
        return b""
    machine, clone, refused = MACHINES[platform.machine()]
    steps: list[Instruction] = [
        (LOAD, 0, 0, MACHINE),
        (EQUAL, 1, 0, machine),
        _refuse(errno.ENOSYS),
        (LOAD, 0, 0, NUMBER),
        (AT_LEAST, 0, 1, FOREIGN),
        _refuse(errno.ENOSYS),
        (EQUAL, 0, 1, CLONE3),
        _refuse(errno.ENOSYS),
    ]
    for number in (*refused.values(), *SINCE_5.values()):
        steps += [(EQUAL, 0, 1, number), _refuse(errno.EPERM)]
    steps += [
        (EQUAL, 0, 3, clone),
        (LOAD, 0, 0, FIRST_ARGUMENT),
        (ANY_BIT, 0, 1, NEW_NAMESPACES),
        _refuse(errno.EPERM),
        (RETURN, 0, 0, ALLOW),
    ]
    return b"".join(struct.pack("=HBBI", *step) for step in steps)


def _refuse(error: int) -> Instruction:
    return RETURN, 0, 0, REFUSE | error
