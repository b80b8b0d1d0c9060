"""The three channels as the design writes them, in one piece and without regard to speed: what the real ones are held
against."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import log, sqrt


@dataclass
class Reference:
    """Letters as in the design. One call of `close` a day, from the first active day on."""

    A: float = 0.0
    B: float = 0.0
    a: float = 0.0
    b: float = 0.0
    S: float = 0.0
    num: float = 0.0
    den: float = 0.0
    wc: list[float] = field(default_factory=lambda: [0.0] * 7)
    vc: list[float] = field(default_factory=lambda: [0.0] * 7)
    PA: float = 0.0
    PB: float = 0.0
    L: float = 0.0
    C: float = 0.0
    since: int = -1
    last_active: int = -1

    def lam(self, m_fleet: float) -> float:
        return (0.5 + self.A) / (0.5 / m_fleet + self.B)

    def E(self, m_active: float) -> float:  # noqa: N802
        return (0.5 + self.PA) * log(1 + self.L / (0.5 / m_active + self.PB))

    def close(self, day: int, y: int, age: int, *, g: float, m_fleet: float = 1.02, v0: float = 0.5) -> None:
        d = (day + 3) % 7
        w = max(7 * (30 * 1 / 7 + self.wc[d]) / (30 + sum(self.wc)), 0.02)
        e = w * g
        lam = self.lam(m_fleet)
        mu = lam * e
        if self.S < 4 and age >= 14:
            self.num = 0.995 * self.num + min((y - mu) ** 2 - mu, 25 * (mu + mu**2))
            self.den = 0.995 * self.den + mu**2
        k = 1 / min(max((self.num + 20 * v0) / (self.den + 20), 0.02), 4)
        m = mu * max(1 - 1 / sqrt(0.5 + self.A), 0.25)
        rho = 0.4
        step = y * log(rho * (k + m) / (k + rho * m)) + k * log((k + m) / (k + rho * m))
        if age < 30:
            step = min(step, 0)
        self.S = max(0, self.S + step)
        self.a += y
        self.b += e
        renewed = y > 0 and self.since >= 0 and day - self.since > 60 and lam * self.b >= 15
        if self.S == 0 or renewed:
            kept = 0.5 ** (self.b / 60)
            self.A, self.B = self.A * kept + self.a, self.B * kept + self.b
            self.a = self.b = self.S = 0.0
            self.since = -1
        elif self.since < 0:
            self.since = day
        v = max(7 * (15 * 1 / 7 + self.vc[d]) / (15 + sum(self.vc)), 0.02)
        self.L += v * g
        # Ours: a busy account's weekday of rest is no operating day.
        busy = (0.5 + self.PA) / (0.5 / 0.52 + self.PB) >= 0.5
        self.C += min(g, 1) * (v if v < 0.5 and busy else 1)
        if y:
            decay = 0.95 ** ((day - self.last_active) / 7) if self.last_active >= 0 else 1.0
            self.wc = [value * decay for value in self.wc]
            self.vc = [value * decay for value in self.vc]
            self.wc[d] += y
            self.vc[d] += 1
            kept = 0.5 ** (self.L / 720)
            self.PA, self.PB = self.PA * kept + 1, self.PB * kept + self.L
            self.L = self.C = 0.0
            self.last_active = day
