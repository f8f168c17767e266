"""The source ``paths``, whose records, cursors, links, totals and keys are at JSONPaths of every form.

In: nothing. Out: a catalog file, for the sandbox and for runs against it.
"""

from __future__ import annotations

PATHS = """
source: paths
client: {auth: {type: bearer, token: 'dlt.secrets["token"]'}}
resource_defaults: {primary_key: id, columns: {id: text, note: text}}
resources:
  - name: quoted
    endpoint: {path: quoted, data_selector: "['odata.value']",
      paginator: {type: json_link, next_url_path: "['@odata.nextLink']"}}
    primary_key: "['user.id']"
    columns: {"['user.id']": text, "['user.name']": text, "address['post.code']": text, address: json}
  - name: last_record
    endpoint: {path: last, data_selector: data,
      paginator: {type: cursor, cursor_path: "data[-1].id", cursor_param: after, stop_after_empty_page: true}}
  - name: last_number
    endpoint: {path: numbers, data_selector: $,
      paginator: {type: cursor, cursor_path: "$[-1].seq", cursor_param: since}}
    columns: {id: text, seq: bigint}
  - name: last_event
    endpoint: {path: events, data_selector: "data[*].change",
      paginator: {type: cursor, cursor_path: "$.data[-1:].change.at", cursor_param: after, has_more_path: "['page.more']"},
      incremental: {cursor_path: at, start_param: since, end_param: until, param_format: iso_ms, row_order: asc}}
    columns: {id: text, at: timestamp}
  - name: wrapped
    endpoint: {path: wrapped, data_selector: "list[*].customer",
      paginator: {type: offset, limit: 4, total_path: "['@odata.count']", cursor_path: null}}
  - name: wrapped_root
    endpoint: {path: wrapped-root, data_selector: "$[*].row", paginator: {type: page_number, limit_param: n, limit: 3}}
  - name: orders
    endpoint: {path: orders, data_selector: "entries[?(@.kind=='order')]", paginator: header_link}
    columns: {id: text, note: text, kind: text}
  - name: group_rows
    endpoint: {path: groups, data_selector: "groups[?(@.name=='all' && @.size>3)].rows",
      paginator: {type: cursor, cursor_path: "groups[0].next", cursor_param: page}}
  - name: linked
    endpoint: {path: linked, data_selector: data.rows,
      paginator: {type: json_link, next_url_path: "links[?(@.rel=='next')].href"}}
  - name: entries
    endpoint: {path: entries, data_selector: "entry[*].resource", count_path: "meta['total.count']",
      paginator: {type: json_link, next_url_path: "link[1].url"},
      incremental: {cursor_path: updated, start_param: from, end_param: to}}
    columns: {id: text, updated: timestamp}
  - name: deep
    endpoint: {path: deep, data_selector: ..rows, paginator: {type: cursor, cursor_path: ..next, cursor_param: p}}
  - name: first_table
    endpoint: {path: tables, data_selector: "tables[0].rows", paginator: single_page}
  - name: keyed
    endpoint: {path: keyed, data_selector: data.*, key_field: id,
      paginator: {type: cursor, cursor_path: next, cursor_param: p}}
  - name: keyed_numbers
    endpoint: {path: keyed-numbers, data_selector: "$.*", key_field: number, paginator: single_page}
    primary_key: number
    columns: {number: bigint, note: text}
  - name: keyed_filter
    endpoint: {path: keyed-filter, data_selector: "data[?(@.on==true)]", key_field: "['k.ey']", paginator: single_page}
    primary_key: "['k.ey']"
    columns: {"['k.ey']": text, note: text}
  - name: grouped
    endpoint: {path: grouped, data_selector: teams.*.members, key_field: status,
      paginator: {type: page_number, limit: 5, limit_param: n}}
    columns: {id: text, status: text, note: text}
  - name: owners
    endpoint: {path: owners, data_selector: "['owner.list']", paginator: single_page}
    columns: {id: text, refs: json, mail: json}
  - name: refs
    endpoint: {path: "owner/{ref}/refs", data_selector: data, paginator: single_page,
      params: {ref: {type: resolve, resource: owners, field: "refs[0]['ref.id']"}}}
    include_from_parent: {"['owner.mail']": "mail['e.mail']"}
    primary_key: ["['owner.mail']", id]
    columns: {"['owner.mail']": text, id: text, note: text}
"""
