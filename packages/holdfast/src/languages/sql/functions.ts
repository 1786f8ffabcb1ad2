/**
 * What a call of a function means, by its name alone.
 *
 * Order: a listed risk, then a volatile function known to be safe, then the immutable and stable
 * ones of pg_catalog; everything else runs code the text does not show (`execute`). What it will not
 * do: look at argument types. A user's function with the name of a built-in one and better fitting
 * arguments, and operators or casts that call functions, need CREATE to exist and are left to roles.
 */
import { CALM_NAMES, VOLATILE_NAMES } from './catalog-functions.ts';

export type CallMeaning =
  | { readonly kind: 'harmless' }
  /** `read` is listed but changes nothing. `object` says what its first argument names. */
  | {
      readonly kind: 'read' | 'write' | 'execute';
      readonly why: string;
      readonly object?: 'sequence' | 'large-object' | 'channel';
    }
  | { readonly kind: 'set-config' };

const HARMLESS: CallMeaning = { kind: 'harmless' };

const calm = new Set(CALM_NAMES.split(' '));
const volatile = new Set(VOLATILE_NAMES.split(' '));

/** Volatile only because they differ from call to call; they change nothing but the session. */
const SAFE_VOLATILE = new Set(
  (
    'array_sample array_shuffle bernoulli clock_timestamp current_query currval gen_random_uuid ' +
    'lastval pg_advisory_unlock pg_advisory_unlock_all pg_advisory_unlock_shared ' +
    'pg_available_wal_summaries pg_blocking_pids pg_collation_actual_version ' +
    'pg_control_checkpoint pg_control_init pg_control_recovery pg_control_system ' +
    'pg_current_wal_flush_lsn pg_current_wal_insert_lsn pg_current_wal_lsn ' +
    'pg_database_collation_actual_version pg_database_size pg_get_aios ' +
    'pg_get_backend_memory_contexts pg_get_loaded_modules pg_get_multixact_members ' +
    'pg_get_sequence_data pg_get_shmem_allocations pg_get_shmem_allocations_numa ' +
    'pg_get_wait_events pg_get_wal_replay_pause_state pg_get_wal_resource_managers ' +
    'pg_get_wal_summarizer_state pg_indexes_size pg_is_in_recovery pg_is_wal_replay_paused ' +
    'pg_isolation_test_session_is_blocked pg_jit_available pg_last_committed_xact ' +
    'pg_last_wal_receive_lsn pg_last_wal_replay_lsn pg_last_xact_replay_timestamp ' +
    'pg_lock_status pg_notification_queue_usage pg_partition_ancestors pg_partition_tree ' +
    'pg_prepared_xact pg_relation_size pg_safe_snapshot_blocking_pids pg_sequence_last_value ' +
    'pg_show_replication_origin_status pg_sleep pg_sleep_for pg_sleep_until ' +
    'pg_stat_clear_snapshot pg_stat_force_next_flush pg_stat_get_backend_io ' +
    'pg_stat_get_backend_wal pg_stat_get_io pg_stat_get_recovery_prefetch ' +
    'pg_stat_get_xact_blocks_fetched pg_stat_get_xact_blocks_hit ' +
    'pg_stat_get_xact_function_calls pg_stat_get_xact_function_self_time ' +
    'pg_stat_get_xact_function_total_time pg_stat_get_xact_numscans ' +
    'pg_stat_get_xact_tuples_deleted pg_stat_get_xact_tuples_fetched ' +
    'pg_stat_get_xact_tuples_hot_updated pg_stat_get_xact_tuples_inserted ' +
    'pg_stat_get_xact_tuples_newpage_updated pg_stat_get_xact_tuples_returned ' +
    'pg_stat_get_xact_tuples_updated pg_stat_have_stats pg_table_size pg_tablespace_size ' +
    'pg_total_relation_size pg_xact_commit_timestamp pg_xact_commit_timestamp_origin ' +
    'pg_xact_status random random_normal setseed system timeofday txid_status uuidv4 uuidv7'
  ).split(' '),
);

const risks = new Map<string, CallMeaning>();

function risk(names: string, meaning: CallMeaning): void {
  for (const name of names.split(' ')) risks.set(name, meaning);
}

risk('set_config', { kind: 'set-config' });
risk('nextval', { kind: 'write', why: 'It advances a sequence.', object: 'sequence' });
risk('setval', {
  kind: 'write',
  why: 'It sets the next value of a sequence.',
  object: 'sequence',
});
risk('pg_notify', {
  kind: 'write',
  why: 'It sends a notification to other sessions.',
  object: 'channel',
});
risk(
  'pg_advisory_lock pg_advisory_lock_shared pg_advisory_xact_lock pg_advisory_xact_lock_shared ' +
    'pg_try_advisory_lock pg_try_advisory_lock_shared pg_try_advisory_xact_lock ' +
    'pg_try_advisory_xact_lock_shared',
  { kind: 'read', why: 'It takes an advisory lock that others may wait for; no data changes.' },
);
risk('lo_get lo_open lo_close lo_lseek lo_lseek64 lo_tell lo_tell64 loread', {
  kind: 'execute',
  why: 'It opens large objects, which also serves to write them.',
  object: 'large-object',
});
risk('lo_creat lo_create lo_from_bytea lo_put lo_truncate lo_truncate64 lowrite', {
  kind: 'write',
  why: 'It writes a large object.',
  object: 'large-object',
});
risk('lo_unlink', {
  kind: 'execute',
  why: 'It deletes a large object.',
  object: 'large-object',
});
risk('lo_import lo_export', {
  kind: 'execute',
  why: 'It moves a large object from or to a file of the server.',
});
risk(
  'pg_read_file pg_read_file_old pg_read_binary_file pg_stat_file pg_ls_dir pg_ls_logdir ' +
    'pg_ls_waldir pg_ls_tmpdir pg_ls_archive_statusdir pg_ls_logicalmapdir pg_ls_logicalsnapdir ' +
    'pg_ls_replslotdir pg_ls_summariesdir pg_current_logfile pg_hba_file_rules ' +
    'pg_ident_file_mappings pg_show_all_file_settings pg_wal_summary_contents',
  { kind: 'execute', why: 'It reads files of the server.' },
);
risk('pg_terminate_backend pg_cancel_backend pg_log_backend_memory_contexts', {
  kind: 'execute',
  why: 'It acts on another session.',
});
risk(
  'pg_reload_conf pg_rotate_logfile pg_rotate_logfile_old pg_promote pg_switch_wal ' +
    'pg_create_restore_point pg_backup_start pg_backup_stop pg_wal_replay_pause ' +
    'pg_wal_replay_resume pg_log_standby_snapshot pg_stop_making_pinned_objects pg_nextoid ' +
    'pg_export_snapshot pg_extension_config_dump pg_import_system_collations',
  { kind: 'execute', why: 'It acts on the whole server.' },
);
risk(
  'pg_create_logical_replication_slot pg_create_physical_replication_slot ' +
    'pg_copy_logical_replication_slot pg_copy_physical_replication_slot ' +
    'pg_drop_replication_slot pg_replication_slot_advance pg_sync_replication_slots ' +
    'pg_logical_slot_get_changes pg_logical_slot_get_binary_changes ' +
    'pg_logical_slot_peek_changes pg_logical_slot_peek_binary_changes pg_logical_emit_message ' +
    'pg_replication_origin_advance pg_replication_origin_create pg_replication_origin_drop ' +
    'pg_replication_origin_progress pg_replication_origin_session_is_setup ' +
    'pg_replication_origin_session_progress pg_replication_origin_session_reset ' +
    'pg_replication_origin_session_setup pg_replication_origin_xact_reset ' +
    'pg_replication_origin_xact_setup',
  { kind: 'execute', why: 'It acts on replication.' },
);
risk(
  'query_to_xml query_to_xmlschema query_to_xml_and_xmlschema cursor_to_xml cursor_to_xmlschema ' +
    'ts_stat ts_rewrite table_to_xml table_to_xmlschema table_to_xml_and_xmlschema ' +
    'schema_to_xml schema_to_xmlschema schema_to_xml_and_xmlschema ' +
    'database_to_xml database_to_xmlschema database_to_xml_and_xmlschema',
  { kind: 'execute', why: 'It runs a query that stands in a string.' },
);
risk(
  'pg_stat_reset pg_stat_reset_shared pg_stat_reset_single_function_counters ' +
    'pg_stat_reset_single_table_counters pg_stat_reset_slru pg_stat_reset_replication_slot ' +
    'pg_stat_reset_subscription_stats pg_stat_reset_backend_stats pg_clear_attribute_stats ' +
    'pg_clear_relation_stats pg_restore_attribute_stats pg_restore_relation_stats',
  { kind: 'execute', why: 'It changes statistics of the server.' },
);
risk(
  'brin_desummarize_range brin_summarize_new_values brin_summarize_range gin_clean_pending_list ' +
    'currtid2 currtid unique_key_recheck amvalidate',
  { kind: 'execute', why: 'It reaches into the storage of a table or index.' },
);

const VOLATILE: CallMeaning = {
  kind: 'execute',
  why: 'A volatile function of the server that is not known to be harmless.',
};
const FOREIGN: CallMeaning = {
  kind: 'execute',
  why: 'Not a function of PostgreSQL itself: what it does stands in the database, not in the text.',
};

/** `schema: null` when the call is not qualified: pg_catalog is then searched first. */
export function meaningOfCall(schema: string | null, name: string): CallMeaning {
  if (schema === 'information_schema') return name.startsWith('_pg_') ? HARMLESS : FOREIGN;
  if (schema !== null && schema !== 'pg_catalog') return FOREIGN;
  const listed = risks.get(name);
  if (listed !== undefined) return listed;
  if (SAFE_VOLATILE.has(name)) return HARMLESS;
  if (volatile.has(name)) return VOLATILE;
  return calm.has(name) ? HARMLESS : FOREIGN;
}
