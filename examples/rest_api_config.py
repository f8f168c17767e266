"""A ``rest_api`` configuration of dlt. ``analytics-sync convert`` turns it into a catalog file.

``convert`` reads this file as text and runs no line of it.
"""

import dlt
from dlt.sources.rest_api import RESTAPIConfig, rest_api_source

config: RESTAPIConfig = {
    "client": {
        "base_url": "https://api.helpdesk.example.com/v2/",
        "auth": {"type": "bearer", "token": dlt.secrets["api_token"]},
        "paginator": {"type": "json_link", "next_url_path": "paging.next"},
    },
    "resource_defaults": {
        "primary_key": "id",
        "write_disposition": "merge",
        "endpoint": {"data_selector": "data", "params": {"per_page": 100}},
    },
    "resources": [
        "agents",
        {  # lint: ignore window-without-end: the API takes no end
            "name": "tickets",
            "columns": {
                "id": {"data_type": "bigint"},
                "updated_at": {"data_type": "timestamp"},
                "subject": {"data_type": "text"},
            },
            "endpoint": {
                "path": "tickets",
                "incremental": {"cursor_path": "updated_at", "start_param": "updated_since"},
            },
        },
        {
            "name": "ticket_comments",
            "endpoint": {"path": "tickets/{resources.tickets.id}/comments"},
            "include_from_parent": ["id"],
        },
    ],
}

helpdesk = rest_api_source(config, name="helpdesk")
