"""Random programs whose values depend on choices of a run, and the values in each of their runs.

A program calls ``u()`` for a choice, ``some()`` for a list of unknown length, ``fail()`` for a call that may
fail, ``change(x)`` for code elsewhere that may change a value, and ``call(f)`` for code that may call a function.
"""

from __future__ import annotations

import copy
import itertools
import random
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

HEAD = "from helpers import u, some, fail, change, call\nfrom contextlib import suppress\n"
FIRST = """
n = 1
m = 2
x = [1]
y = x
d = {"a": 1, "l": x}
class C:
    A = 1
def f(p=[]):
    p.append(1)
    return p
def g():
    global n
    n = 5
    x.append(7)
    return y
"""
LAST = """
rest_api_source({
    "client": {"base_url": "https://shop.example.com/v1"},
    "resources": [{"name": "items", "primary_key": "id", "endpoint": {"params": {
        "n": n, "m": m, "x": x, "y": y, "d": d, "A": C.A, "f": f(), "list": list(d), "len": len(x)}}}],
})
"""
SIMPLE = """n = K~n = n + 1~m = n~n = len(x)~n = x[0]~m = len(d)~x = [K]~y = x~x = y~x = y + [K]~x = list(y)
d = {"a": K, "l": x}~d = dict(d, b=K)~d = {**d, "b": m}~x = d["l"]~x.append(K)~y.extend([K, n])~x += [K]~y += (K,)
x *= 2~y = (K, *x)~x[0] = K~x[-1] += 1~x.pop()~x.insert(0, K)~x.remove(1)~x.clear()~x.sort()~d["a"] = K~d["k"] = x
d["l"] = [K]~d["l"].append(K)~d.update(a=K, z=n)~d.update({"q": K})~d.pop("a", None)~del d["a"]~del x[0]
d.setdefault("z", []).append(K)~d |= {"a": K}~C.A = K~n = C.A~f()~f(x)~y = f()~g()~n = g()[0]~fail()~change(x)
change(d)~change(C)~call(f)~call(g)~call(lambda: x.append(K))~n = K if u() else m~u() and x.append(K)~u() or y.append(K)
x = u() and [K] or y~(x if u() else y).append(K)~y = (x if u() else d["l"])~[x.append(i) for i in [1, 2] if u()]
m = (n := K)~[n := i for i in [1, 2]]~[y.append(i) for i in some()]~y = [i for i in x if i > 1]
m = 1 < f()[0] < K~x, y = y, x~x, n = [K], K~a, *y = [1, 2, K]~for n in x: pass~for n, m in d.items(): pass
x = [*some(), K]~n = [*some(), K][0]~y = list({K: 1, **d})~x = [v for v in d]~assert x.append(K) is None
h = lambda q=x: q.append(K); h()~x = list(gen())~list(gen())~gen()~n = max([K, n])~y = x[:1]~x[1:] = [K]~x = y = [K]
m = str(n)~m = f"{n}"~z = change(x); z.append(K)~z = [x, y][u()]; z.append(K)~z = {"x": x}; z["x"].append(K)
z = [x]; change(z)~z = d.get("l"); z.append(K)~n = d.get("a", K)~n = len({K, K, 1})~n = K in x~n = "a" in d~n = not u()
d.setdefault("a", K)~n = d.pop("a", K)~d["a"] += 1~x = x or [K]~y = y and [K]~n = (x == y)~x = tuple(x)
z = (x, [K]); z[0].append(K)~y = copy.copy(d).get("l")~w(x)~w(y)~global_change()~x = sorted(x)~y = x.copy()
m = max([1, K], key=lambda v: y.append(v) or v)~x = list(map(lambda v: d.update(m=v) or v, y))~print(x)~print(*[y.append(i) for i in list(x)])
n = [*filter(lambda v: u(), x)]~z = dict(l=x); change(z)~z = d.copy(); z["l"].append(K)~z = change([x, y]); z[0].append(K)~n, *y = x
(lambda: y.append(K))()~x = (lambda v: v)(y)~y = [lambda: x.append(K)][0]() or y~z = (y,); z[0].append(K)~d["l"][0] = K
n = sum(x)~x.extend([i for i in y if u()])~d = dict(zip(["a", "l"], [K, y]))~d[K] = n; n = list(d)[-1]"""
WORDS = SIMPLE.replace("\n", "~").split("~")
DEFINED = """
import copy
def gen():
    x.append(3)
    yield K
    if u():
        yield 4
def w(p):
    if u():
        return p
    p.append(K)
    return []
def global_change():
    global m, d
    if u():
        m = K
        return
    d = dict(d)
    d["g"] = K
"""


class Programs:
    """Makes programs of random statements."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance

    def program(self) -> str:
        """The text of one program."""
        size = self.chance.randint(1, 4)
        return HEAD + FIRST + self._constants(DEFINED) + self.block(size, 0, "") + LAST

    def _constants(self, text: str) -> str:
        while "K" in text:
            text = text.replace("K", str(self.chance.randint(1, 3)), 1)
        return text

    def block(self, size: int, depth: int, inside: str) -> str:
        """Statements at a depth. ``inside`` names the loops and functions around them."""
        lines: list[str] = []
        for _ in range(size):
            lines += self.statement(depth, inside)
        return "".join(f"{line}\n" for line in lines)

    def statement(self, depth: int, inside: str) -> list[str]:
        kinds = ["simple"] * 5 + ([] if depth > 1 else list(_COMPOUND))
        kinds += ["break", "continue"] if "loop" in inside else []
        kinds += ["return"] if inside.endswith("function") else []
        kind = self.chance.choice(kinds)
        if kind == "simple":
            return [self._constants(self.chance.choice(WORDS))]
        if kind == "return":
            return [self.chance.choice(["return x", "return [n]", "return"])]
        if kind in {"break", "continue"}:
            return [f"if u(): {kind}"]
        inner = inside
        inner = inside + " loop" if kind in {"for", "for some", "while u", "while n"} else inner
        inner = " function" if kind in {"def", "def u", "method"} else inner
        parts = _COMPOUND[kind].split("\n")
        lines: list[str] = []
        for part in parts:
            if part.strip() != "BODY":
                lines.append(self._constants(part))
                continue
            indent = part[: len(part) - len(part.lstrip())]
            body = self.block(self.chance.randint(1, 2), depth + 1, inner)
            lines += [indent + line for line in body.rstrip("\n").split("\n")]
        return lines


_COMPOUND = {
    "if": "if u():\n    BODY",
    "if else": "if u():\n    BODY\nelse:\n    BODY",
    "if known": "if n > K:\n    BODY\nelse:\n    BODY",
    "if x": "if x:\n    BODY",
    "for": "for i in [1, K]:\n    BODY",
    "for else": "for i in [1, K]:\n    if u(): break\n    x.append(i)\nelse:\n    BODY",
    "for some": "for n in some():\n    BODY",
    "while u": "while u():\n    BODY",
    "while n": "m = 0\nwhile m < 2:\n    m += 1\n    x.append(m)",
    "while true": "while True:\n    if u(): break\n    x.append(K)",
    "try": "try:\n    BODY\nexcept Exception:\n    BODY",
    "try fail": "try:\n    n = K\n    fail()\n    x.append(K)\nexcept ValueError as e:\n    BODY\nelse:\n    BODY\nfinally:\n    BODY",
    "try raise": "try:\n    if u():\n        BODY\n        raise ValueError\nexcept ValueError:\n    BODY",
    "raise": "if u():\n    BODY\n    raise SystemExit",
    "match": "match u():\n    case True:\n        BODY\n    case _:\n        BODY",
    "match n": "match n:\n    case 1:\n        BODY\n    case [m, n]:\n        BODY",
    "suppress": "with suppress(Exception):\n    BODY\n    fail()\n    BODY",
    "def": "def f(p=[K]):\n    global n, x, y, d, m\n    BODY\n    return p\nf()",
    "def u": "if u():\n    def f(p=x):\n        global n, x\n        BODY\n        return p",
    "closure": "def outer():\n    q = [1]\n    r = 1\n    def inner():\n        nonlocal r\n        if u(): return\n        r = K\n        q.append(K)\n    if u(): inner()\n    return [q, r]\ny = outer()\nn = y[1]",
    "class": "class C(C):\n    A = K\n    def __init__(self): self.q = x\n    def go(self): self.q.append(K)\nif u(): C().go()",
    "method": "class C(C):\n    L = [K]\n    @classmethod\n    def of(cls, v):\n        BODY\n        return cls.L\n    @staticmethod\n    def put(v): C.L.append(v)\ny = C.of(x)\nif u(): C.put(K)",
    "nested": "def h(q):\n    for i in list(q):\n        if u(): return [i]\n        x.append(i)\n    else:\n        y.append(K)\n    return q\ny = h(h(x))",
    "two funcs": "def p1(): x.append(K)\ndef p2(): y.append(K)\nh = p1 if u() else p2\nh()",
    "recursion": "def h(q):\n    if q > 2 or u(): return q\n    x.append(q)\n    return h(q + 1)\nn = h(0)",
    "decorator": "def deco(h):\n    x.append(K)\n    return lambda *a: h(*a)\n@deco\ndef f(): return [K, n]",
}  # fmt: skip


class _Helpers:
    """What a program imports. Each choice takes the next of the given numbers."""

    def __init__(self, numbers: tuple[int, ...]) -> None:
        self.numbers = iter(numbers)

    def next(self) -> int:
        number = next(self.numbers, None)
        if number is None:
            raise _NoMore
        return number

    def u(self) -> bool:
        return bool(self.next() % 2)

    def some(self) -> list[int]:
        return [8, 9][: self.next() % 3]

    def fail(self) -> None:
        if self.u():
            raise ValueError

    def change(self, value: Any) -> Any:
        if self.u():
            if isinstance(value, list):
                value.append(6)
            elif isinstance(value, dict):
                value["changed"] = 6
            else:
                value.A = 6
        return value

    def call(self, function: Any) -> None:
        for _ in self.some():
            function()


class _NoMore(BaseException):
    """The run asks for more choices than there are."""


def runs(program: str, *, most: int) -> Iterator[dict[str, Any]]:
    """The parameters of the configuration in runs of a program, for different choices."""
    code = compile(program.replace(HEAD, ""), "program", "exec")
    for length in (0, 1, 2, 3, 4):
        for numbers in itertools.islice(itertools.product((0, 1, 2), repeat=length), most):
            made: list[Any] = []
            helpers = _Helpers(numbers)
            names: dict[str, Any] = {
                "suppress": suppress, "print": lambda *_: None, "rest_api_source": lambda c, m=made: m.append(copy.deepcopy(c)),
            }  # fmt: skip
            names |= {
                name: getattr(helpers, name) for name in ("u", "some", "fail", "change", "call")
            }
            with suppress(Exception, SystemExit, _NoMore):
                exec(code, names)
            for config in made:
                yield config["resources"][0]["endpoint"]["params"]
