"""A client as a tree of processes: what CPU time it has used at each moment, and its
memory. Linux only: it reads /proc."""

import ctypes
import os
import signal
import subprocess
import threading
import time

TICK = os.sysconf("SC_CLK_TCK")
PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans():
    """Makes this process the parent of descendants whose own parent ends, so that their
    CPU time is seen and none outlives a run."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def read(path):
    try:
        with open(path, "rb") as f:
            return f.read()
    except OSError:  # it ended meanwhile
        return b""


def stat(pid):
    """(parent, session, CPU seconds of it and of its children that it has waited for)."""
    fields = read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
    if len(fields) < 16:
        return None
    return int(fields[1]), int(fields[3]), sum(map(int, fields[11:15])) / TICK


def family(root):
    """root's living descendants and itself, orphans of its session included."""
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit() and (s := stat(int(name))):
            parents[int(name)] = s
    found = {root} if root in parents else set()
    grown = True
    while grown:
        more = {p for p, (parent, session, _) in parents.items() if (parent in found or session == root) and p not in found}
        found |= more
        grown = bool(more)
    return found


def memory_bytes(pids):
    """Resident bytes: the most that a single process had, or what several share out."""
    pids = list(pids)
    path, key = ("status", b"VmHWM:") if len(pids) == 1 else ("smaps_rollup", b"Pss:")
    total = 0
    for pid in pids:
        for line in read(f"/proc/{pid}/{path}").splitlines():
            if line.startswith(key):
                total += int(line.split()[1]) * 1024
    return total


def busy(cpus):
    """Seconds that these CPUs have been used, and that a hypervisor has kept them."""
    used = stolen = 0
    for line in read("/proc/stat").decode().splitlines():
        name, *fields = line.split()
        if name.startswith("cpu") and name[3:].isdigit() and int(name[3:]) in cpus:
            user, nice, system, _, _, irq, softirq, steal = map(int, fields[:8])
            used += user + nice + system + irq + softirq
            stolen += steal
    return used / TICK, stolen / TICK


def await_calm(cpus, most_s=20):
    """Waits until other work leaves these CPUs alone, or for so long at most."""
    until = time.monotonic() + most_s
    while time.monotonic() < until:
        before = sum(busy(cpus))
        time.sleep(0.5)
        if sum(busy(cpus)) - before < 0.05 * 0.5 * len(cpus):
            return


class Run:
    """One run of a command in a session of its own, watched to its end; out is the
    directory it runs in, and where its stdout and stderr go. beside is the process id of
    the server that runs on the same CPUs."""

    def __init__(self, argv, out, cpus, beside, env=None, timeout_s=150):
        self.cpus, self.beside = cpus, beside
        self.samples = []  # (CLOCK_REALTIME ns, CPU seconds so far: its own, the server's, of all, stolen)
        self.peak_bytes, self.processes = 0, 0
        self.start_ns = time.time_ns()
        with open(out / "stdout", "wb") as stdout, open(out / "stderr", "wb") as stderr:
            self.child = subprocess.Popen(
                argv, stdout=stdout, stderr=stderr, stdin=subprocess.DEVNULL, env=env, cwd=out, start_new_session=True,
                preexec_fn=lambda: os.sched_setaffinity(0, cpus))
        watcher = threading.Thread(target=self.watch)
        watcher.start()
        try:
            self.status = self.child.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.status = f"killed after {timeout_s} s"
        finally:
            self.end()
            watcher.join()

    def watch(self):
        pids, looked = set(), 0
        while self.child.returncode is None:
            now = time.monotonic()
            if now - looked > 0.5:  # the whole of /proc takes ms to read
                pids, looked = family(self.child.pid), now
                self.processes = max(self.processes, len(pids))
                self.peak_bytes = max(self.peak_bytes, memory_bytes(pids))
            known = [s for p in pids if (s := stat(p))]
            server = stat(self.beside)
            if known and server:
                self.samples.append((time.time_ns(), sum(s[2] for s in known), server[2], *busy(self.cpus)))
            time.sleep(0.05)

    def end(self):
        """Ends what is left of the session."""
        try:
            os.killpg(self.child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.child.wait()
        for pid in family(self.child.pid):
            try:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
            except (ProcessLookupError, ChildProcessError):
                pass

    def between(self, since_ns, until_ns):
        """CPU seconds between two moments: the client's, the server's, and all that these
        CPUs had for neither: other work and what a hypervisor kept."""
        own, server, used, stolen = (b - a for a, b in zip(self._at(since_ns), self._at(until_ns)))
        return own, server, max(used - own - server, 0) + stolen

    def _at(self, ns):
        before = self.samples[0]
        for sample in self.samples:
            if sample[0] >= ns:
                share = (ns - before[0]) / max(sample[0] - before[0], 1)
                return [a + max(share, 0) * (b - a) for a, b in zip(before[1:], sample[1:])]
            before = sample
        return before[1:]
