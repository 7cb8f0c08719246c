#!/bin/bash
# Package:   portalocker 4.4.2 with redis 8.1.0 (PyPI), RedisLock; redis-server is needed (7.0.15 seen)
# Behaviour: A thread of the program holds a RedisLock, and Redis drops that lock's connection. The
#            thread that holds the lock is not told: KeyboardInterrupt is raised in the main thread,
#            as if someone had pressed Ctrl-C. Under asyncio.run the main task is cancelled. The lock
#            is free for others at once, and release() raises nothing.
# Matters:   `except Exception` does not catch it, and most programs take it for a wish to stop. So
#            a restart of Redis stops the whole service, while the thread in the middle of a refresh
#            goes on without its lock.
# Guess:     Another client gets the lock, and the holder is not told.
# Seen:      main thread: KeyboardInterrupt; asyncio: main task cancelled, KeyboardInterrupt;
#            holder: works on, release without an error; second client: gets the lock meanwhile
# Duration:  seconds without install.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
python3 -m venv v && v/bin/pip -q install portalocker==4.4.2 redis==8.1.0
cat > t.py <<'P'
import asyncio, logging, subprocess, sys, threading, time
import portalocker, redis
logging.disable(logging.CRITICAL)
sock = sys.argv[1]
connect = lambda: redis.Redis(unix_socket_path=sock)
server = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", sock, "--save", "", "--dir", "."], stdout=subprocess.DEVNULL)
try:
    while True:
        try:
            connect().ping()
            break
        except redis.ConnectionError:
            time.sleep(0.05)

    class Holder(threading.Thread):
        def __init__(self, name):
            super().__init__()
            self.lock = portalocker.RedisLock(name, connection=connect())
            self.held, self.go, self.told = threading.Event(), threading.Event(), "released without an error"
            self.start()
            self.held.wait()
        def run(self):
            try:
                self.lock.acquire()
                self.held.set()
                self.go.wait()
                self.lock.release()
            except BaseException as e:
                self.told = type(e).__name__

    def drop_connection():
        admin = connect()
        admin.execute_command("CLIENT", "KILL", "TYPE", "pubsub")

    def second(name):
        lock = portalocker.RedisLock(name, connection=connect(), timeout=60)
        lock.acquire()
        return "got the lock while the holder works"

    holder = Holder("thread")
    try:
        drop_connection()
        for _ in range(600):
            time.sleep(0.1)
        print("main thread: nothing")
    except BaseException as e:
        print("main thread:", type(e).__name__)
    print("second client:", second("thread"))
    holder.go.set()
    holder.join()
    print("holder:", holder.told)

    holder = Holder("asyncio")
    async def main():
        try:
            drop_connection()
            await asyncio.sleep(60)
            print("main task: nothing")
        except BaseException as e:
            print("main task:", type(e).__name__)
            raise
    try:
        asyncio.run(main())
    except BaseException as e:
        print("asyncio.run:", type(e).__name__)
    holder.go.set()
    holder.join()
    print("holder:", holder.told)
finally:
    server.kill()
    server.wait()
P
v/bin/python t.py "$T/s" | tee seen
diff - seen <<'P'
main thread: KeyboardInterrupt
second client: got the lock while the holder works
holder: released without an error
main task: CancelledError
asyncio.run: KeyboardInterrupt
holder: released without an error
P
echo "as expected"
