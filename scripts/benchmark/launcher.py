"""Run the command of argv and print its wall seconds, CPU seconds and peak resident bytes as JSON.

A process of its own, so that the peak is the command's: what a child starts with counts for its peak, and this file
imports next to nothing.
"""

import json
import os
import sys
import time

start = time.perf_counter()
null = os.open(os.devnull, os.O_RDWR)
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, null, 1)])
_, status, used = os.wait4(child, 0)
print(
    json.dumps(
        {
            "wall_s": round(time.perf_counter() - start, 4),
            "cpu_s": round(used.ru_utime + used.ru_stime, 4),
            "peak_bytes": used.ru_maxrss * 1024,
        }
    )
)
sys.exit(os.waitstatus_to_exitcode(status))
