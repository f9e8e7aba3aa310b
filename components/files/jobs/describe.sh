# shellcheck shell=bash disable=SC2034 # it is used by what comes after
# A query that describes a database, so that a restored copy can be compared with it: every row is counted.
readonly describe_database="
  SELECT json_build_object(
    'users', (SELECT count(*) FROM public.users),
    'rows', (
      SELECT json_object_agg(
        format('%I.%I', schemaname, tablename),
        (xpath('/row/rows/text()', query_to_xml(
          format('SELECT count(*) AS rows FROM %I.%I', schemaname, tablename), false, true, '')))[1]::text::bigint)
      FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')),
    'constraints', (
      SELECT json_agg(format('%s on %s', conname, conrelid::regclass) ORDER BY conrelid::regclass::text, conname)
      FROM pg_constraint
      WHERE conrelid <> 0 AND connamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)),
    'indexes', (
      SELECT json_agg(indexname ORDER BY indexname)
      FROM pg_indexes WHERE schemaname NOT IN ('pg_catalog', 'information_schema')),
    'invalid_indexes', (
      SELECT coalesce(json_agg(indexrelid::regclass::text ORDER BY 1), '[]') FROM pg_index WHERE NOT indisvalid),
    'large_objects', (SELECT count(*) FROM pg_largeobject_metadata))"
