"""A process of the tests that does what its arguments say, one after the other. The first one is its ready file."""

import ctypes
import json
import os
import signal
import subprocess
import sys
import threading
import time

SLEEPER = "import signal, time\n%s\nprint('up', flush=True)\nwhile True: time.sleep(60)"


def say(**what):
    print(json.dumps(what), flush=True)


def start_child(name, prepare="pass", **how):
    child = subprocess.Popen([sys.executable, "-c", SLEEPER % prepare], stdout=subprocess.PIPE, **how)
    child.stdout.readline()
    say(name=name, pid=child.pid)


def do(word):
    name, _, value = word.partition("=")
    if name == "ready":
        path = sys.argv[1]
        with open(path + ".new", "w") as file:
            json.dump({"pid": os.getpid(), "said": value}, file)
        os.rename(path + ".new", path)
    elif name == "half-ready":
        with open(sys.argv[1], "w") as file:
            file.write('{"pid": ')
    elif name == "say":
        say(said=value)
    elif name == "complain":
        sys.stderr.write(value + "\n")
    elif name == "variables":
        say(variables=dict(os.environ))
    elif name == "garbage":
        # A megabyte on both, without a line feed, and no text in any encoding.
        for stream in (1, 2):
            threading.Thread(target=write_garbage, args=(stream,)).start()
    elif name == "ignore-term":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    elif name == "on-term":
        signal.signal(signal.SIGTERM, lambda *_: (print(value, flush=True), os._exit(7)))
    elif name == "garbage-on-term":
        signal.signal(signal.SIGTERM, lambda *_: (write_garbage(1), write_garbage(2), os._exit(7)))
    elif name == "child":
        start_child("child")
    elif name == "stubborn-child":
        start_child("stubborn-child", "signal.signal(signal.SIGTERM, signal.SIG_IGN)")
    elif name == "runaway-child":
        start_child("runaway-child", start_new_session=True)
    elif name == "hold-interpreter":
        say(holding=True)
        ctypes.PyDLL(None).sleep(600)
    elif name == "await-file":
        while not os.path.exists(value):
            time.sleep(0.01)
    elif name == "exit":
        os._exit(int(value))
    elif name == "signal":
        os.kill(os.getpid(), getattr(signal, value))
    elif name == "wait":
        while True:
            signal.pause()
    else:
        raise SystemExit("what is %s?" % name)


def write_garbage(stream):
    data = b"\xff\xfe{\x00" * 262144
    while data:
        data = data[os.write(stream, data) :]


for argument in sys.argv[2:]:
    do(argument)
