"""The sandbox: the declared APIs on localhost, for trying, testing and writing catalog files.

In: ``Source`` objects, nothing else.
Out: a server that speaks their authentication, pagination and filters over generated data.
A ledger holds every record that the server serves. The sandbox is not a real API.
"""

from analytics_sync.sandbox.data.ledger import Ledger
from analytics_sync.sandbox.data.tables import Version
from analytics_sync.sandbox.messages import Fault, Request, ServedResponse
from analytics_sync.sandbox.options import Options
from analytics_sync.sandbox.server import Sandbox
from analytics_sync.sandbox.settings import settings

__all__ = [
    "Fault",
    "Ledger",
    "Options",
    "Request",
    "Sandbox",
    "ServedResponse",
    "Version",
    "settings",
]
