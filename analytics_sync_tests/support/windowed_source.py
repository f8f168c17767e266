"""A source whose resources have every kind of window that a catalog file can declare.

In: nothing. Out: a source with one resource for each way in which an API filters by a window or
ignores it, pages and orders its records; and children with the window of their parent or with a
cursor of their own.
"""

from __future__ import annotations

from analytics_sync.catalog import Source, load_text

CATALOG_FILE = """
source: windowed
client: {base_url: https://api.example.com}
resource_defaults:
  primary_key: id
  columns: {id: bigint, v: bigint, at: timestamp}
resources:
  - name: by_iso
    endpoint:
      path: /by_iso
      data_selector: data
      paginator: {type: offset, limit: 4, cursor_path: null}
      incremental: {cursor_path: at, start_param: from, end_param: to}
  - name: by_iso_ms
    endpoint:
      path: /by_iso_ms
      data_selector: data
      paginator: {type: page_number, limit_param: size, limit: 4}
      incremental: {cursor_path: at, start_param: from, end_param: to, param_format: iso_ms}
  - name: by_date
    endpoint:
      path: /by_date
      data_selector: data.rows
      paginator: {type: page_number, base_page: 1, total_path: pages}
      incremental: {cursor_path: at, start_param: from, end_param: to, param_format: date, time_zone: UTC}
  - name: by_range
    endpoint:
      path: /by_range
      data_selector: data
      paginator: {type: offset, limit: 3, total_path: total, cursor_path: null}
      incremental: {cursor_path: at, start_param: dateRange, end_param: dateRange, param_format: date, time_zone: UTC}
  - name: by_epoch_s
    endpoint:
      path: /by_epoch_s
      data_selector: data
      paginator: {type: cursor, cursor_path: meta.next, cursor_param: cursor}
      incremental: {cursor_path: at, start_param: from, end_param: to, param_format: epoch_s}
  - name: by_epoch_ms
    endpoint:
      path: /by_epoch_ms
      data_selector: data
      paginator: {type: json_link, next_url_path: links.next}
      incremental: {cursor_path: at, start_param: from, end_param: to, param_format: epoch_ms}
  - name: by_minute
    endpoint:
      path: /by_minute
      data_selector: $
      paginator: header_link
      incremental: {cursor_path: at, start_param: from, end_param: to, param_format: '%d.%m.%Y %H:%M', time_zone: UTC}
  - name: by_second
    endpoint:
      path: /by_second
      data_selector: $
      paginator: {type: header_cursor, cursor_key: X-Next}
      incremental: {cursor_path: at, start_param: from, end_param: to, param_format: '%Y/%m/%d %H:%M:%S', time_zone: UTC}
  - name: by_fraction
    endpoint:
      path: /by_fraction
      data_selector: data
      paginator: {type: page_number, base_page: 0, has_more_path: more}
      incremental: {cursor_path: at, start_param: from, end_param: to, param_format: '%Y-%m-%dT%H:%M:%S.%f', time_zone: UTC}
  - name: by_day_of_year
    endpoint:
      path: /by_day_of_year
      data_selector: data
      paginator: page_number
      incremental: {cursor_path: at, start_param: from, end_param: to, param_format: '%Y-%j', time_zone: UTC}
  - name: only_start
    endpoint:
      path: /only_start
      data_selector: data
      paginator: page_number
      incremental: {cursor_path: at, start_param: since}
  - name: only_end
    endpoint:
      path: /only_end
      data_selector: data
      paginator: {type: offset, limit: 2, cursor_path: null}
      incremental: {cursor_path: at, end_param: until, param_format: epoch_ms}
  - name: by_month
    endpoint:
      path: /by_month
      data_selector: data
      paginator: {type: cursor, cursor_path: next, cursor_param: cursor}
      incremental: {cursor_path: at, step: month, start_param: period, param_format: date, time_zone: UTC}
  - name: by_named_month
    endpoint:
      path: /by_named_month
      data_selector: data
      paginator: page_number
      incremental: {cursor_path: at, step: month, start_param: period, param_format: '%Y-%m', time_zone: UTC}
  - name: filtered_here
    endpoint:
      path: /filtered_here
      data_selector: data
      paginator: page_number
      incremental: {cursor_path: at}
  - name: filtered_here_alone
    endpoint: {path: /filtered_here_alone, data_selector: $, paginator: single_page, incremental: {cursor_path: at}}
  - name: newest_first
    endpoint:
      path: /newest_first
      data_selector: data
      paginator: {type: cursor, cursor_path: next, cursor_param: cursor}
      incremental: {cursor_path: at, row_order: desc}
  - name: newest_first_numbered
    endpoint:
      path: /newest_first_numbered
      data_selector: data
      paginator: page_number
      incremental: {cursor_path: at, row_order: desc}
  - name: newest_first_before
    endpoint:
      path: /newest_first_before
      data_selector: data
      paginator: {type: offset, limit: 3, cursor_path: cursor.before, cursor_param: before}
      incremental: {cursor_path: at, start_param: after, end_param: before, param_format: iso_ms, row_order: desc}
  - name: oldest_first
    endpoint:
      path: /oldest_first
      data_selector: data
      paginator: {type: offset, limit: 3, cursor_path: null}
      incremental: {cursor_path: at, row_order: asc}
  - name: dates
    columns: {id: bigint, v: bigint, at: date}
    endpoint:
      path: /dates
      data_selector: data
      paginator: page_number
      incremental: {cursor_path: at, start_param: from, end_param: to, param_format: date, time_zone: UTC}
  - name: seconds
    columns: {id: bigint, v: bigint, at: {data_type: timestamp, format: epoch_s}}
    endpoint:
      path: /seconds
      data_selector: data
      paginator: page_number
      incremental: {cursor_path: at, start_param: from, end_param: to, param_format: epoch_s}
  - name: milliseconds
    columns: {id: bigint, v: bigint, at: {data_type: timestamp, format: epoch_ms}}
    endpoint:
      path: /milliseconds
      data_selector: data
      paginator: {type: cursor, cursor_path: next, cursor_param: cursor}
      incremental: {cursor_path: at, row_order: desc}

  - name: kids_of_uncut
    columns: &kid {id: bigint, v: bigint, up: bigint, up_at: timestamp}
    include_from_parent: {up: id, up_at: at}
    endpoint:
      path: /filtered_here/{up}/kids
      params: {up: {type: resolve, resource: filtered_here, field: id}}
      data_selector: data
      paginator: page_number
  - name: kids_of_cut
    columns: *kid
    include_from_parent: {up: id, up_at: at}
    endpoint:
      path: /by_date/{up}/kids
      params: {up: {type: resolve, resource: by_date, field: id}}
      data_selector: data
      paginator: {type: offset, limit: 2, cursor_path: null}
  - name: kids_of_ordered
    columns: *kid
    include_from_parent: {up: id, up_at: at}
    endpoint:
      path: /newest_first/{up}/kids
      params: {up: {type: resolve, resource: newest_first, field: id}}
      data_selector: $
      paginator: header_link
  - name: kids_of_month
    columns: *kid
    include_from_parent: {up: id, up_at: at}
    endpoint:
      path: /by_month/{up}/kids
      params: {up: {type: resolve, resource: by_month, field: id}}
      data_selector: data
      paginator: single_page
  - name: grandkids
    columns: {id: bigint, v: bigint, up: bigint}
    include_from_parent: {up: id}
    endpoint:
      path: /kids/{up}/grandkids
      params: {up: {type: resolve, resource: kids_of_cut, field: id}}
      data_selector: data
      paginator: page_number

  - name: shops
    columns: {id: bigint, v: bigint}
    endpoint: {path: /shops, data_selector: data, paginator: page_number}
  - name: own_cursor
    columns: &own {id: bigint, v: bigint, up: bigint, at: timestamp}
    include_from_parent: {up: id}
    endpoint:
      path: /shops/{up}/own
      params: {up: {type: resolve, resource: shops, field: id}}
      data_selector: data
      paginator: page_number
      incremental: {cursor_path: at}
  - name: own_cursor_filtered
    columns: *own
    include_from_parent: {up: id}
    endpoint:
      path: /shops/{up}/filtered
      params: {up: {type: resolve, resource: shops, field: id}}
      data_selector: data
      paginator: {type: offset, limit: 3, cursor_path: null}
      incremental: {cursor_path: at, start_param: dateRange, end_param: dateRange, param_format: date, time_zone: UTC}
  - name: own_cursor_newest
    columns: *own
    include_from_parent: {up: id}
    endpoint:
      path: /shops/{up}/newest
      params: {up: {type: resolve, resource: shops, field: id}}
      data_selector: data
      paginator: {type: cursor, cursor_path: next, cursor_param: cursor}
      incremental: {cursor_path: at, row_order: desc}
  - name: own_cursor_month
    columns: *own
    include_from_parent: {up: id}
    endpoint:
      path: /shops/{up}/monthly
      params: {up: {type: resolve, resource: shops, field: id}}
      data_selector: data
      paginator: page_number
      incremental: {cursor_path: at, step: month, start_param: period, param_format: date, time_zone: UTC}
  - name: own_cursor_below_cut
    columns: *own
    include_from_parent: {up: id}
    endpoint:
      path: /by_iso/{up}/own
      params: {up: {type: resolve, resource: by_iso, field: id}}
      data_selector: data
      paginator: page_number
      incremental: {cursor_path: at}
  - name: own_cursor_below_uncut
    columns: *own
    include_from_parent: {up: id}
    endpoint:
      path: /filtered_here_alone/{up}/own
      params: {up: {type: resolve, resource: filtered_here_alone, field: id}}
      data_selector: data
      paginator: page_number
      incremental: {cursor_path: at, start_param: from, end_param: to, param_format: iso_ms}
  - name: own_cursor_below_ordered
    columns: *own
    include_from_parent: {up: id}
    endpoint:
      path: /newest_first_numbered/{up}/own
      params: {up: {type: resolve, resource: newest_first_numbered, field: id}}
      data_selector: data
      paginator: page_number
      incremental: {cursor_path: at, row_order: asc}
"""


def windowed_source() -> Source:
    """The source of this catalog file."""
    return load_text(CATALOG_FILE, name="windowed", file="windowed.yaml")
