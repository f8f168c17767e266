"""The search for the parameter that an API knows, among several names.

In: names, and a function that asks the API with some of them at once. Out: the one name that has the effect when
it is sent alone. Several names in one request cost few requests: most APIs ignore a parameter that they do not know.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum


class Effect(Enum):
    """What the API did with parameters."""

    EXPECTED = "expected"
    NONE = "none"
    REFUSED = "refused"


Ask = Callable[[Sequence[str]], Effect]


class ParamSearch:
    """One search.

    Args:
        ask: Asks the API with these names, and says what it did.
        most: The largest number of requests.
    """

    def __init__(self, ask: Ask, most: int) -> None:
        self._ask = ask
        self._left = most
        self._last = Effect.NONE
        self.tried: list[str] = []
        """The names that were sent."""
        self.refused: list[str] = []
        """The names that were refused alone: the API knows them, and takes another value."""
        self.is_cut_short = False
        """Whether names are left that no request was sent for."""
        self.was_ignored = False
        """Whether the API took all names at once, and did nothing with them."""

    def find(self, names: Sequence[str]) -> str | None:
        """The name that has the effect, alone; None if none has."""
        found = self._find(names, has_effect=False)
        self.was_ignored = found is None and self.was_ignored
        return found

    def _find(self, names: Sequence[str], *, has_effect: bool) -> str | None:
        """The name that has the effect, alone.

        Args:
            names: The names.
            has_effect: Whether one of them is known to have it, because the others of a larger group have none.
        """
        effect = Effect.EXPECTED if has_effect and len(names) > 1 else self._effect(names)
        if effect is Effect.NONE or not names:
            return None
        if len(names) == 1:
            self.refused += names if effect is Effect.REFUSED else []
            return names[0] if effect is Effect.EXPECTED else None
        half = (len(names) + 1) // 2
        found = self._find(names[:half], has_effect=False)
        if found is not None:
            return found
        has_effect = effect is Effect.EXPECTED and self._last is Effect.NONE
        return self._find(names[half:], has_effect=has_effect)

    def _effect(self, names: Sequence[str]) -> Effect:
        if self._left <= 0:
            self.is_cut_short = True
            return Effect.NONE
        self._left -= 1
        self._last = self._ask(names)
        self.tried += [name for name in names if name not in self.tried]
        self.was_ignored |= self._last is Effect.NONE
        return self._last
