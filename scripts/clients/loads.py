"""The loads that the clients are compared on."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Load:
    name: str
    streams: int  # closed loop: in flight at once; open loop: on average
    requests: int
    tokens: int  # out, of each request
    gap_s: float  # between the tokens of a stream
    rate: float = 0  # Poisson arrivals a second; 0 is a closed loop that starts all at once
    first_s: float = 0.2
    mode: str = "own"
    seed: int = 1

    @property
    def stream_s(self):
        return self.first_s + (self.tokens - 1) * self.gap_s

    @property
    def ideal_s(self):
        return self.requests / self.rate + self.stream_s if self.rate else self.stream_s * -(-self.requests // self.streams)

    @property
    def plan_chunks_per_s(self):
        return self.streams / self.gap_s

    def dict(self):
        return asdict(self)


def burst(streams, gap_s=0.02, tokens=128):
    return Load(f"burst-{streams}", streams, 2 * streams, tokens, gap_s)


def poisson(streams, gap_s=0.02, tokens=128):
    stream_s = 0.2 + (tokens - 1) * gap_s
    return Load(f"poisson-{streams}", streams, max(64, 5 * streams // 2), tokens, gap_s, rate=round(streams / stream_s, 2))


def plan(chunks_per_s, streams=256, tokens=256):
    return Load(f"plan-{chunks_per_s}", streams, 2 * streams, tokens, streams / chunks_per_s)


# 1,024 streams at 50 ms are 20,480 chunks a second; at 20 ms they would be the last plan.
LOADS = {load.name: load for load in [
    burst(16), burst(64), burst(256), burst(1024, 0.05),
    poisson(16), poisson(64), poisson(256), poisson(1024, 0.05),
    plan(25600), plan(51200),
]}
QUICK = ["burst-64", "poisson-64"]
HOLDS = ["burst-256", "plan-25600", "plan-51200"]  # 12,800, 25,600 and 51,200 chunks a second
