/** Every limit has a name, a unit and a reason. Defaults; `config/` may change those it lists. */

/** SQL longer than this is parsed in a worker: 28 KB took 5 ms, 4.4 MB 0.66 s of a blocked loop. */
export const SQL_INLINE_BYTES_MAX = 16 * 1024;
/** SQL longer than this is not read at all: `too-large`. Dumps go by COPY, not by one statement. */
export const SQL_READ_BYTES_MAX = 16 * 1024 * 1024;
/** A worker that has not answered by then is replaced and the statement is `timeout`. */
export const SQL_READ_MS_MAX = 10_000;
/** The walk over a statement's tree is recursive; 1,000 levels stay far from the end of the stack. */
export const SQL_TREE_DEPTH_MAX = 1_000;
/** Readings of longer texts are not remembered: one of them would push out hundreds. */
export const SQL_CACHED_BYTES_MAX = 64 * 1024;
/** Readings remembered per generation (there are two, by text and by template each) ... */
export const SQL_CACHE_ENTRIES_MAX = 10_000;
/** ... and their size: keys, and a guess at the effects. */
export const SQL_CACHE_BYTES_MAX = 8 * 1024 * 1024;
/** Signs in a text read inline: 8,000 operators in a row overflow the parser's stack. */
export const SQL_OPERATORS_INLINE_MAX = 2_000;
/** Comments opened in a text read inline: nested, their cost is square; 1,000 took 6 ms. */
export const SQL_COMMENTS_INLINE_MAX = 300;
/** A forwardable unit is kept whole until it is judged; one agent must not fill the memory. */
export const UNIT_BYTES_MAX = 64 * 1024 * 1024;
/** The startup packet: PostgreSQL's own MAX_STARTUP_PACKET_LENGTH. */
export const STARTUP_BYTES_MAX = 10_000;
/** From accept to the end of authentication; PostgreSQL's authentication_timeout is 60 s. */
export const STARTUP_MS_MAX = 60_000;
/** Text kept of a statement in an entry; the digest covers all of it. */
export const ENTRY_TEXT_CHARS_MAX = 8_192;
/** Reads are entered in batches at most this old ... */
export const READ_BATCH_MS_MAX = 1_000;
/** ... and at most this many units long: what a crash can lose of the record of reads. */
export const READ_BATCH_UNITS_MAX = 10_000;
/** Tokens: default and longest life. */
export const TOKEN_LIFE_MS_DEFAULT = 8 * 60 * 60 * 1000;
export const TOKEN_LIFE_MS_MAX = 30 * 24 * 60 * 60 * 1000;
/** An approval or an unanswered hold is void after this. */
export const HOLD_LIFE_MS_DEFAULT = 60 * 60 * 1000;
/** Wrong TOTP codes by one person before a pause, and the pause. */
export const TOTP_FAILURES_MAX = 5;
export const TOTP_PAUSE_MS = 15 * 60 * 1000;
