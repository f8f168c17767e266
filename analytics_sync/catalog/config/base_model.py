"""The base class of every model of a catalog file.

In: a mapping of a catalog file. Out: a frozen object with the declared keys, or a validation error.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """A model that refuses unknown keys and does not change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)
