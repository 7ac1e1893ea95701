"""A pretended gateway: counters of two versions, sampled once a second."""

from dataclasses import dataclass, field

from headgate.evidence.counting.exposure import Exposure
from headgate.evidence.counting.series import Arm, RawSeries, TargetSamples, What


@dataclass
class Gateway:
    """`serve` counts one second of traffic, `scrape` samples all counters, `answer` is what the source returns for a time range."""

    instance: str = "envoy/10.0.0.1"
    values: dict = field(default_factory=dict)
    points: dict = field(default_factory=dict)

    def count(self, arm, what, part, by):
        self.values[arm, what, part] = self.values.get((arm, what, part), 0) + by

    def serve(self, arm, sent, codes=None, slow=0):
        """`codes` answered by code (all 200 unless told), `slow` of them take 100 ms, the others 20 ms."""
        codes = {"200": sent} if codes is None else codes
        answered = sum(codes.values())
        self.count(arm, What.SENT, "", sent)
        for code, number in codes.items():
            self.count(arm, What.ANSWERED, code, number)
        for part, number in (("0.05", answered - slow), ("0.25", answered), ("+Inf", answered)):
            self.count(arm, What.TIMED, part, number)

    def scrape(self, time):
        for key, value in self.values.items():
            self.points.setdefault(key, []).append((float(time), float(value)))

    def restart(self):
        self.values = dict.fromkeys(self.values, 0)

    def series(self, after=-1.0, until=float("inf")):
        found = []
        for (arm, what, part), points in self.points.items():
            kept = tuple(point for point in points if after < point[0] <= until)
            if kept:
                found.append(RawSeries(arm, what, part, self.instance, "0", kept))
        return tuple(found)

    def answer(self, after=-1.0, until=float("inf"), skew=0.0):
        return TargetSamples(until, self.series(after, until), skew)


def exposure(**changes):
    told = {
        "attempt": "a1",
        "stage": 0,
        "stage_name": "canary",
        "since": 0.0,
        "first_exposure": 0.0,
        "candidate": Arm.CANDIDATE,
        "interval": 1.0,
        "warmup": 2.0,
        "share": 0.2,
    }
    return Exposure(**{**told, **changes})


def steady(seconds, *, stable=80, candidate=20, codes=None, begin=0, gateway=None):
    gateway = gateway or Gateway()
    for time in range(begin, begin + seconds):
        if time:
            gateway.serve(Arm.STABLE, stable)
            gateway.serve(Arm.CANDIDATE, candidate, codes)
        else:
            gateway.serve(Arm.STABLE, 0)
            gateway.serve(Arm.CANDIDATE, 0, None if codes is None else {})
        gateway.scrape(time)
    return gateway
