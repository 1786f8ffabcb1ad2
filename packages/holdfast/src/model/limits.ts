/** Every limit has a name, a unit and a reason. Defaults; `config/` may change those it lists. */

/** SQL longer than this is parsed in a worker: 28 KB took 5 ms, 4.4 MB 0.66 s of a blocked loop. */
export const SQL_INLINE_BYTES_MAX = 16 * 1024;
/** SQL longer than this is not read at all: `too-large`. Dumps go by COPY, not by one statement. */
export const SQL_READ_BYTES_MAX = 16 * 1024 * 1024;
/** A worker that has not answered by then is replaced and the statement is `timeout`. */
export const SQL_READ_MS_MAX = 10_000;
/** The walk over a statement's tree is recursive; 1,000 levels stay far from the end of the stack. */
export const SQL_TREE_DEPTH_MAX = 1_000;
/** Statements and expressions of one DO block; more are not read (each is parsed by itself). */
export const SQL_BLOCK_PARTS_MAX = 200;
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
/** Real clients send about ten; a packet of nothing but names is somebody trying. */
export const STARTUP_PARAMETERS_MAX = 64;
/** One password or SASL message from a caller who is not let in yet; SCRAM needs under 500. */
export const LOGIN_MESSAGE_BYTES_MAX = 8 * 1024;
/** Bytes a caller may have waiting before it is let in. */
export const LOGIN_WAITING_BYTES_MAX = 64 * 1024;
/** One message of a target during login: a long notice fits, a flood does not. */
export const UPSTREAM_LOGIN_BYTES_MAX = 256 * 1024;
/** SCRAM rounds a target may ask of us (PostgreSQL's default is 4,096): each is CPU time of ours. */
export const SCRAM_ITERATIONS_MAX = 1_000_000;
/** Text kept of a statement in an entry; the digest covers all of it. */
export const ENTRY_TEXT_CHARS_MAX = 8_192;
/** Reads are entered in batches at most this old ... */
export const READ_BATCH_MS_MAX = 1_000;
/** ... and at most this many units long: what a crash can lose of the record of reads. */
export const READ_BATCH_UNITS_MAX = 10_000;
/** Tokens: default and longest life. */
export const TOKEN_LIFE_MS_DEFAULT = 8 * 60 * 60 * 1000;
export const TOKEN_LIFE_MS_MAX = 30 * 24 * 60 * 60 * 1000;
/** A token that nobody used for so long, from its issue on, is a finding. */
export const TOKEN_UNUSED_MS_MAX = 14 * 24 * 60 * 60 * 1000;
/** A token made to last a week or longer is a finding this long before its end: somebody has to renew it. */
export const TOKEN_RENEWED_LIFE_MS_MIN = 7 * 24 * 60 * 60 * 1000;
export const TOKEN_NEAR_END_MS = 2 * 24 * 60 * 60 * 1000;
/** Last uses are written this often: a list is read by people, and a write per request is not for them. */
export const TOKEN_USE_FLUSH_MS = 30_000;
/** Agents above an agent, itself included: a chain that is longer is nobody's plan. */
export const AGENT_DEPTH_MAX = 8;
/** One sentence, for a list and a card. */
export const AGENT_PURPOSE_CHARS_MAX = 200;
/** Why an agent was paused; the agent is told. */
export const AGENT_NOTE_CHARS_MAX = 500;
/** Names of environments or targets that one agent is limited to. */
export const AGENT_NAMES_MAX = 200;
/** An approval or an unanswered hold is void after this. */
export const HOLD_LIFE_MS_DEFAULT = 60 * 60 * 1000;
/** Effects kept on a hold's card, those that change something first; the digest covers them all. */
export const HOLD_EFFECTS_MAX = 100;
/** Objects, and dependents, named on a card; their totals say how many there are. */
export const CARD_OBJECTS_MAX = 20;
/** Values bound to a statement that a card shows, and how much of each; the digest covers them all. */
export const CARD_PARAMETERS_MAX = 20;
export const CARD_PARAMETER_CHARS_MAX = 300;
/** How long a hold may wait for the facts of its card before it opens without them. */
export const CARD_FACTS_MS_MAX = 400;
/** How long a look-up of a card waits for those of the same agent before it; then its hold opens without. */
export const CARD_FACTS_TURN_MS_MAX = 10_000;
/** Beyond both: the finder bounds itself, and is heard out, since it tells what was late. */
export const CARD_FACTS_MARGIN_MS = 150;
/** How long a deferral that is due waits for its target to answer what is looked up before it runs; then it is void. */
export const DUE_TARGET_WAIT_MS = 60 * 60 * 1000;
/**
 * Signed without a number for want of time, where nothing takes it back, it is asked anew when there are more rows
 * than these by then. Where they still cannot be told it runs as it was signed, without a number; on `sealed` it does
 * not.
 */
export const UNTOLD_ROWS_MAX = 1_000;
/** The band a row count is signed with: what was counted may have grown by so much until it runs ... */
export const ROWS_BAND_EXACT_PERCENT = 10;
/** ... and what was estimated by so much: statistics are minutes old. More voids the approval. */
export const ROWS_BAND_ESTIMATE_PERCENT = 50;
/** A name that is longer in JSON is in the binding by its SHA-256, so that a binding fits into one fact of an entry. */
export const BINDING_NAME_CHARS_MAX = 100;
/** Each part of an assertion, base64url: as much as one fact of an entry keeps; real ones have 400. */
export const ASSERTION_PART_CHARS_MAX = 1_024;
/** What a person says to a yes or a no: as much as one fact of an entry keeps. */
export const COMMENT_CHARS_MAX = 1_000;
/** Times a hold is looked at anew in one submit, because it changed hands or became void meanwhile. */
export const HOLD_TURNS_MAX = 5;
/** What a card tells of its agent's past: this far back, and at most so many decisions and like holds. */
export const RECENT_ACTS_MS = 15 * 60 * 1000;
export const ACTS_SHOWN_MAX = 20;
export const SIMILAR_HOLDS_MAX = 10;
/** Holds in one answer to a list. */
export const HOLD_LIST_MAX = 200;
/** Wrong TOTP codes by one person before a pause, and the pause. */
export const TOTP_FAILURES_MAX = 5;
export const TOTP_PAUSE_MS = 15 * 60 * 1000;
/** Effects listed in an entry; a script of thousands is named by its text, digest and their count. */
export const ENTRY_EFFECTS_MAX = 64;
/** A name or a client's own word in an entry (PostgreSQL cuts its own names at 63 bytes). */
export const ENTRY_NAME_CHARS_MAX = 256;
/** A sentence in an entry: a reason, an upstream's error message. */
export const ENTRY_SENTENCE_CHARS_MAX = 1_024;
/** Text kept of each distinct read; the batch that carries it comes every second. */
export const READ_TEXT_CHARS_MAX = 1_024;
/** Distinct reads told apart in one batch; further ones are counted as `other`. */
export const READ_SHAPES_MAX = 512;
/** An append that takes longer counts as a lost store: agents wait for it, and 5 s is long. */
export const TRAIL_APPEND_MS_MAX = 5_000;
/** Waiting entries, and their bytes: about a second of the fastest load; then decisions are refused. */
export const TRAIL_QUEUE_ENTRIES_MAX = 20_000;
export const TRAIL_QUEUE_BYTES_MAX = 64 * 1024 * 1024;
/** Entries in one append: keeps a statement far from PostgreSQL's 1 GB and a lost race cheap. */
export const TRAIL_BATCH_ENTRIES_MAX = 4_096;
/** Notes and read batches kept while the store is away; further ones are counted and said after. */
export const TRAIL_KEPT_NOTES_MAX = 1_000;
/** First and longest pause between tries to reach a lost store. */
export const TRAIL_RETRY_MS_MIN = 50;
export const TRAIL_RETRY_MS_MAX = 2_000;
/** A grown trail is signed this often: what a storage operator could rewrite unseen. */
export const TRAIL_CHECKPOINT_MS = 10_000;
/** An instance gone this long can have no append in flight any more (see TRAIL_APPEND_MS_MAX). */
export const INSTANCE_GONE_MS = 30_000;
/** Acts of one unit that are put to Cedar because no answer is known: 0.2-0.5 ms each, in one turn. */
export const JUDGED_ACTS_MAX = 200;
/** Answers of Cedar kept for all sessions together, per generation; about 300 bytes each. */
export const JUDGED_ANSWERS_KEPT_MAX = 20_000;
/** Verdicts on what only reads, kept for each actor and target: an agent calls some dozens of operations. */
export const JUDGED_READS_KEPT_MAX = 500;
/** Names of the calls in a reading whose verdict is kept so. */
export const JUDGED_READ_CHARS_MAX = 1_000;
/** Names in rules: what sweeps is tried with each of them, so they must fit JUDGED_ACTS_MAX. */
export const POLICY_NAMES_MAX = 150;
/** holdfast.yaml and policy tests are written by hand; a larger file is a wrong file. */
export const CONFIG_BYTES_MAX = 1024 * 1024;
/** Aliases expand; a few are handy, thousands are an attack (the "billion laughs"). */
export const YAML_ALIASES_MAX = 50;
/** What the journal holds goes to the trail this soon; a later append takes more at once. */
export const TRAIL_TAKE_OVER_MS = 100;
/** A login waits this long for the newest tokens; with the store away it goes on with the known ones. */
export const DIRECTORY_FRESHEN_MS_MAX = 250;
/** The journal may run this far ahead of the trail; then the store counts as lost: it hangs. */
export const TRAIL_BEHIND_MS_MAX = 1_000;
/** Undo data is kept this long, in watched time, before it may be purged (P4). */
export const GRACE_MS_DEFAULT = 48 * 60 * 60 * 1000;
/** One chunk of captured rows in the vault store: a preview reads few of them. */
export const UNDO_CHUNK_BYTES_MAX = 1024 * 1024;
/** How often captured rows are taken out of a target: undo data must not die with it. */
export const DRAIN_MS = 250;
/** Times a transaction of ours on a target is tried again after 40001 or 40P01. */
export const TARGET_RETRIES_MAX = 5;
/** The last statement of a long script waits for those before it: an index may be built among them. */
export const RECEIPT_LIFE_MS = 10 * 60 * 1000;
/** Life of an agent's password on a target; made anew when less than half of it is left. */
export const AGENT_ROLE_LIFE_MS = 24 * 60 * 60 * 1000;
/** A proposal of people is void after this: they are asked by mail, not while an agent waits. */
export const PROPOSAL_LIFE_MS = 24 * 60 * 60 * 1000;
/** Purge, unprotect, shortening a grace: never by one person alone, whatever the environment says. */
export const PROPOSAL_PEOPLE_MIN = 2;
/** What a proposal is about, as JSON: a list of a few thousand ids fits, and a person can still read it. */
export const PROPOSAL_ACT_BYTES_MAX = 256 * 1024;
/** A deferred text lies in our store for two days; DDL is short, and a dump is not one statement. */
export const DEFERRED_BYTES_MAX = 1024 * 1024;
/** How often what is due is looked for: after 48 h nobody waits for the second. */
export const DEFERRAL_SWEEP_MS = 5_000;
/** Deferrals in one answer to a list. */
export const DEFERRAL_LIST_MAX = 200;
/** Conflicts listed per table, with both rows; the rest is counted. A person reads tens. */
export const UNDO_CONFLICTS_SHOWN_MAX = 200;
/** Rounds of writing, checking foreign keys and leaving out: each leaves out at least one row more. */
export const UNDO_ROUNDS_MAX = 50;
/** Items of one undo: each is read by itself, and all go back in one transaction. */
export const UNDO_ITEMS_MAX = 20_000;
/** Journal rows looked at in one pass of the drain (whole transactions): keeps each pass short. */
export const DRAIN_STATEMENTS_MAX = 5_000;
/** Captured rows waiting in memory for their chunk to fill; beyond it chunks go out as they are. */
export const DRAIN_WAITING_BYTES_MAX = 16 * 1024 * 1024;
/** Chunks in one insert into the vault store, and their bytes: far from any limit of PostgreSQL. */
export const UNDO_WRITE_CHUNKS_MAX = 1_000;
export const UNDO_WRITE_BYTES_MAX = 4 * 1024 * 1024;
/** Smaller chunks are kept as they are: gzip wins little and costs a turn of the thread pool. */
export const UNDO_GZIP_BYTES_MIN = 2 * 1024;
/** A drain without a sign of life this long, or this far behind, is trouble and is said aloud. */
export const DRAIN_BEHIND_MS_MAX = 30_000;
/** Capture tables of former shapes are looked at for removal this often. */
export const FORMER_SHAPES_MS = 60_000;
/** The ledger of watched time is advanced this often ... */
export const LEDGER_STEP_MS = 1_000;
/** ... and a step that comes later than this is credited nothing: nobody watched meanwhile. */
export const LEDGER_CREDIT_MS_MAX = 5_000;
/** A purge that a quorum asked for can be cancelled for this long, in watched time. */
export const PURGE_CANCEL_MS = 10 * 60 * 1000;
/** How often what is past its time is purged, and how many items at a time. */
export const PURGE_SWEEP_MS = 60_000;
export const PURGE_ITEMS_MAX = 100;
/** Items in one answer to a list. */
export const UNDO_LIST_MAX = 500;
/** Connections one agent's role may have at a target: PostgreSQL's default total is 100. */
export const AGENT_ROLE_CONNECTIONS_MAX = 40;
/** Findings kept in a target's state and shown; a database without any trigger has thousands. */
export const PROTECTION_FINDINGS_MAX = 100;
/** How often the wall of each target is looked at: drift is raised this soon. */
export const PROTECTION_LOOK_MS = 10_000;
/** Free space on the disk of our own store below which no more undo data is taken: the trail lies there too. */
export const VAULT_FREE_BYTES_MIN = 256 * 1024 * 1024;
/** What may wait in a target while the vault takes none; past it agents change nothing, or its disk fills. */
export const WAITING_BYTES_MAX = 1024 * 1024 * 1024;
/** GraphQL longer than this is not read: the longest of a real client found is 20 KB. */
export const GRAPHQL_TEXT_CHARS_MAX = 256 * 1024;
/** Tokens of one document; the parser stops there, so that a bomb costs about a millisecond. */
export const GRAPHQL_TOKENS_MAX = 10_000;
/** Levels of selections; introspection needs 13. */
export const GRAPHQL_DEPTH_MAX = 50;
/** Fields of one operation with its fragments put in place: they multiply. */
export const GRAPHQL_FIELDS_MAX = 2_000;
/** Aliases of one operation: each is one more act of the same field. */
export const GRAPHQL_ALIASES_MAX = 200;
/** Documents remembered per generation (there are two), and their size as a guess at the plans. */
export const GRAPHQL_CACHE_ENTRIES_MAX = 2_000;
export const GRAPHQL_CACHE_BYTES_MAX = 8 * 1024 * 1024;
/** Requests in one batch (a JSON array): each is judged, and the worst decides. */
export const GRAPHQL_BATCH_MAX = 20;
/** Levels of a JSON body; the deepest document of a provider seen has 12. */
export const JSON_DEPTH_MAX = 64;
/** A request to a provider's API is kept whole until it is judged; the largest seen has 200 KB. */
export const HTTP_BODY_BYTES_MAX = 4 * 1024 * 1024;
/** Head of a request; Node's own default is 16 KiB, and no client of a provider sends more. */
export const HTTP_HEAD_BYTES_MAX = 16 * 1024;
/** From the first byte of a request to its last: a slow body holds a socket and nothing else. */
export const HTTP_REQUEST_MS_MAX = 30_000;
/** Of a body that was refused, read so that its sender hears the answer. */
export const HTTP_DISCARD_BYTES_MAX = 1024 * 1024;
export const HTTP_DISCARD_MS_MAX = 2_000;
/** Codings on top of each other; one is what clients do, and each is a bomb within a bomb. */
export const HTTP_CODINGS_MAX = 2;
/** A provider that has not begun to answer by then: the outcome is unknown. Railway's CLI waits 90 s. */
export const PROVIDER_ANSWER_MS_MAX = 90_000;
/** How long an agent may take nothing of an answer that is there for it. */
export const AGENT_STALL_MS_MAX = 30_000;
/** How much of an answer is looked at to tell success from an error with a good status. */
export const PROVIDER_ANSWER_LOOK_BYTES = 64 * 1024;
/** Connections to one provider at a time. */
export const PROVIDER_CONNECTIONS_MAX = 64;
/** Providers answer our questions in well under a second; a decision waits for it. */
export const PROVIDER_ASK_MS_MAX = 10_000;
/** Requests an hour that are kept back for what a decision hangs on. */
export const PROVIDER_ASKS_KEPT = 20;
/** Projects, and volumes of one environment, in one answer. */
export const RAILWAY_LISTED_MAX = 500;
/** Places of one HTTP session that verdicts are kept for; an agent works in a few. */
export const SESSION_PLACES_KEPT_MAX = 32;
/** Requests whose reading is kept, of each generation (there are two): about 5,000 small ones ... */
export const KEPT_REQUESTS_BYTES_MAX = 8 * 1024 * 1024;
/** ... and the longest body of them: what agents ask again and again is short. */
export const KEPT_REQUEST_BYTES_MAX = 16 * 1024;
/** A snapshot of what there is counts this long for what changes something. */
export const PROVIDER_ESTATE_MS = 60_000;
/** An id that is not found has it taken again at most this often. */
export const PROVIDER_LOOK_AGAIN_MS = 5_000;
/** A state before counts this long; a request that waited for people has it read again. */
export const INVERSE_FRESH_MS = 2_000;
/** Values that one act may change and still be taken back by setting them again. */
export const INVERSE_VALUES_MAX = 1_000;
/** Of the state before, with what the act makes of it: variables of a service are kilobytes. */
export const INVERSE_BYTES_MAX = 256 * 1024;
/** Variables of an environment, in one answer; with more it is not known whole. */
export const RAILWAY_VARIABLES_MAX = 5_000;
/** A credential older than this is a finding (P5). */
export const CREDENTIAL_AGE_MS_MAX = 30 * 24 * 60 * 60 * 1000;
/** So long before, it is said that one will be: a rotation has to be planned. */
export const CREDENTIAL_WARN_MS = 7 * 24 * 60 * 60 * 1000;
/** An unsealed credential is used this long before the store is asked again; a notice comes sooner. */
export const CREDENTIAL_OPEN_MS_MAX = 1_000;
/** One line; a key in PEM is no bearer credential. */
export const CREDENTIAL_BYTES_MAX = 8 * 1024;
/** Headers of one request over HTTP/2; over HTTP/1.1 their bytes are bounded. */
export const HEADERS_MAX = 100;
/** A host that is only passed on answers by then or not. */
export const TUNNEL_CONNECT_MS_MAX = 10_000;
/** Pages of one list that are asked for; with more there is no list, and nothing on it is found. */
export const PROVIDER_PAGES_MAX = 25;
/** A file that describes an API; Neon's has 0.5 MB, and more than this is a wrong file. */
export const API_DESCRIPTION_BYTES_MAX = 16 * 1024 * 1024;
/** One message of an agent over a WebSocket: a document of the longest that is read, and variables. */
export const SOCKET_MESSAGE_BYTES_MAX = 512 * 1024;
/** One message of a provider; a page of a thousand log lines has 0.5 MB. */
export const SOCKET_ANSWER_BYTES_MAX = 8 * 1024 * 1024;
/** Frames one message may be cut into; clients send one. */
export const SOCKET_FRAGMENTS_MAX = 256;
/** Messages of one connection in a second; further ones wait, and nothing more is read meanwhile. */
export const SOCKET_MESSAGES_PER_SECOND_MAX = 200;
/** Operations open, or being judged, over one connection. */
export const SOCKET_OPERATIONS_MAX = 100;
/** What the agent calls an operation; clients use UUIDs. */
export const SOCKET_ID_CHARS_MAX = 128;
/** Waiting to be written to one side; then nothing more is read from the other. */
export const SOCKET_WAITING_BYTES_MAX = 1024 * 1024;
/** WebSockets of all agents, of one token, and of callers who have not said who they are. */
export const SOCKETS_MAX = 1_000;
export const SOCKETS_PER_TOKEN_MAX = 50;
export const SOCKETS_NOBODYS_MAX = 50;
/** From the handshake to `connection_init`, and from ours to the provider's `connection_ack`. */
export const SOCKET_INIT_MS_MAX = 10_000;
/** Both sides are asked for a sign of life this often; one that gave none since is gone. */
export const SOCKET_PING_MS = 30_000;
/** A connection without an open operation that is silent for this long is closed. */
export const SOCKET_IDLE_MS_MAX = 10 * 60 * 1000;
/** How long a side has to answer our goodbye before its connection is cut. */
export const SOCKET_GOODBYE_MS = 50;
/** A key service answers in a second; the start waits for it, and somebody waits for the start. */
export const SEAL_PROGRAM_MS_MAX = 30_000;
/** A key in base64 has 44 characters; a program that prints this much prints something else. */
export const SEAL_PROGRAM_OUTPUT_BYTES_MAX = 4 * 1024;
/** Of what it says when it fails: the end. */
export const SEAL_PROGRAM_WORDS_BYTES_MAX = 1_024;

/** One file of the gap rebuild: read whole, in memory, or not at all. */
export const REBUILD_SOURCE_BYTES_MAX = 64 * 1024 * 1024;
/** All files of one rebuild: they are in memory together. */
export const REBUILD_BYTES_MAX = 256 * 1024 * 1024;
/** Records of one file, and rows of one proposal: as many as people can look at is far fewer. */
export const REBUILD_RECORDS_MAX = 100_000;
/** One record of an export, one event of a calendar. */
export const REBUILD_RECORD_BYTES_MAX = 256 * 1024;
/** One mail, its attachments included. */
export const REBUILD_MESSAGE_BYTES_MAX = 16 * 1024 * 1024;
/** The text of one mail: a letter, not a book. */
export const REBUILD_MAIL_TEXT_CHARS_MAX = 256 * 1024;
/** Times that one event of a calendar is expanded to: a year of days, with some to spare. */
export const REBUILD_RECURRENCES_MAX = 400;
/** What a reviewer sees of a record, before characters that do not show are written out. */
export const REBUILD_SNIPPET_CHARS_MAX = 400;
/** Rows sent to the scratch copy, or looked up there, in one statement. */
export const REBUILD_BATCH_ROWS = 500;
/** Rows of a report that are named; of more it says how many. */
export const REBUILD_NAMED_MAX = 100;
/** Why a person takes another amount than a payment says: long enough to be one, short enough for a card. */
export const REBUILD_WHY_CHARS_MIN = 8;
export const REBUILD_WHY_CHARS_MAX = 300;
/** Choices that are said at once, under one proof. */
export const REBUILD_CHOICES_AT_ONCE_MAX = 500;
/** A proposal as it is kept, unpacked: what is looked at is in memory whole. */
export const REBUILD_PROPOSAL_BYTES_MAX = 192 * 1024 * 1024;
/** Proposals that a gateway keeps in memory as they stand, unpacked: a few of those that people work on, or one large one. */
export const REBUILD_OPEN_BYTES_MAX = 192 * 1024 * 1024;

/** A person's session ends after so long without use, and after so long in any case. */
export const SESSION_IDLE_MS_MAX = 60 * 60 * 1000;
export const SESSION_LIFE_MS_MAX = 12 * 60 * 60 * 1000;
/** How exactly the last use of a session is written down. */
export const SESSION_TOUCH_MS = 60 * 1000;
/** For what changes who may do what, the person must have proved to be there this recently. */
export const PROVED_MS_MAX = 10 * 60 * 1000;
/** What a client says of itself, and where it comes from. */
export const SOURCE_CHARS_MAX = 200;
/** One request to the API: nothing that people send is larger. */
export const API_BODY_BYTES_MAX = 256 * 1024;
/** Items in one page of the API, unless asked for fewer. */
export const API_PAGE_DEFAULT = 50;
export const API_PAGE_MAX = 200;
/** The command line waits so long for a gateway elsewhere to take its connection, ... */
export const API_CONNECT_MS_MAX = 10_000;
/** ... for the first byte of an answer: an undo of many rows is one answer, ... */
export const API_ANSWER_MS_MAX = 10 * 60 * 1000;
/** ... and for the next bytes of one that has begun. */
export const API_SILENCE_MS_MAX = 60_000;

/** A ceremony is one look at a phone; the browser gives up after that, too. */
export const CEREMONY_LIFE_MS = 5 * 60 * 1000;
/** One for each device and a spare key; more are forgotten ones. */
export const PASSKEYS_MAX = 10;
/** A link waits in somebody's mail for a day, not for a week. */
export const INVITE_LIFE_MS = 24 * 60 * 60 * 1000;
/** On one sheet of paper. */
export const RECOVERY_CODES = 10;
/** How long a command line waits for its person. */
export const DEVICE_REQUEST_LIFE_MS = 10 * 60 * 1000;
/** Between two questions of a waiting command line. */
export const DEVICE_POLL_MS = 2_000;
/** What an owner by break-glass has to call somebody, or to mend what burns. */
export const BREAK_GLASS_MS = 60 * 60 * 1000;
/**
 * Requests of one source to what somebody could guess at, in so long: a person needs 2 for a passkey, 1 for
 * a code; a house behind one address some dozens.
 */
export const ATTEMPTS_MAX = 60;
/** For one name, from browsers that were nobody's before: beside the pause after wrong codes. */
export const ATTEMPTS_OF_NAME_MAX = 30;
export const ATTEMPTS_WINDOW_MS = 5 * 60 * 1000;
/** Sources counted at a time; beyond that, the one that was quiet longest is forgotten. */
export const ATTEMPT_SOURCES_MAX = 20_000;
/** An identity provider answers in a second; somebody waits. */
export const SSO_ANSWER_SECONDS_MAX = 10;
/** People of the same name from an identity provider are told apart by number. */
export const SSO_NAMES_TRIED_MAX = 20;
/** One try of one channel, from the first look-up to the last byte: a dead one holds nothing but itself. */
export const CHANNEL_MS_MAX = 10_000;
/** Of an answer of a channel: enough for the word that says why, and nobody fills our memory. */
export const CHANNEL_ANSWER_BYTES_MAX = 4 * 1024;
/** Tries of one delivery: with the pauses below, about a quarter of an hour. */
export const NOTICE_TRIES_MAX = 6;
/** The pause after the first failed try; each next one is four times as long ... */
export const NOTICE_RETRY_MS_MIN = 2_000;
/** ... and what a channel asks for with Retry-After is believed up to here. */
export const NOTICE_RETRY_MS_MAX = 60 * 60 * 1000;
/** A delivery taken by a gateway that says nothing more is taken over after this. */
export const NOTICE_CLAIM_MS = 60_000;
/** Notices due at the same moment that go out one by one; more of them are one message. */
export const NOTICES_APART_MAX = 3;
/** The next message of a channel comes no sooner: what happens meanwhile is gathered. */
export const NOTICE_GAP_MS = 500;
/** Notices gathered into one message, and how many of them it names. */
export const NOTICES_GATHERED_MAX = 500;
export const NOTICES_NAMED_MAX = 20;
/** A notice is kept this long, so that a failure can be looked up. */
export const NOTICE_KEPT_MS = 30 * 24 * 60 * 60 * 1000;
/** What happened while nobody looked for longer than this is in the trail, and not told any more. */
export const SIGNAL_AGE_MS_MAX = 60 * 60 * 1000;
/** Signals of one kind in one look that are told one by one; of more, the first and how many. */
export const SIGNALS_APART_MAX = 20;
/** Holds looked at in one sweep; the rest come with the next, a second later. */
export const NOTICE_SWEEP_HOLDS_MAX = 200;
/** Ids of holds that wait to be looked at; beyond it the sweep finds them. */
export const NOTICE_QUEUE_MAX = 1_000;
/** A title, and one fact, in a notice: a screen of a phone. */
export const NOTICE_TITLE_CHARS_MAX = 120;
export const NOTICE_FACT_CHARS_MAX = 300;
export const NOTICE_FACTS_MAX = 16;
/** Lists that a hold may be escalated to, one after the other. */
export const ESCALATIONS_MAX = 5;
/** Browsers of one person that are pushed to. */
export const PUSH_SUBSCRIPTIONS_MAX = 10;
/** So long a browser is pushed to after its person last signed in there. */
export const PUSH_LIFE_MS_MAX = 30 * 24 * 60 * 60 * 1000;
/** Test notices that one person sends themselves, in so long: enough to find out why none comes. */
export const PUSH_TESTS_MAX = 5;
export const PUSH_TESTS_WINDOW_MS = 10 * 60 * 1000;
/** An endpoint of a push service; those of today have under 300 characters. */
export const PUSH_ENDPOINT_CHARS_MAX = 1_024;
/** RFC 8030 §7.2 lets a push service refuse more than 4,096 bytes, encryption included. */
export const PUSH_PAYLOAD_BYTES_MAX = 3_000;
/** Requests of one person, and of one address, in a minute; a busy dashboard sends about sixty. */
export const API_REQUESTS_PER_MINUTE_MAX = 1_200;
/** Streams one person may have open: a browser has six connections to one host over HTTP/1.1. */
export const STREAMS_PER_PERSON_MAX = 8;
/** A sign of life on a stream, and a look whether its session is still open. */
export const STREAM_BEAT_MS = 15_000;
/** How long an answer is given again to the same request under the same key. */
export const IDEMPOTENCY_MS = 24 * 60 * 60 * 1000;
/** Agents are looked at again every second; a directory this old says that the store is away. */
export const DIRECTORY_AGE_MS_MAX = 30_000;
/** Rows of our tables that somebody else wrote, told of by one process: more would drown the trail. */
export const FOREIGN_ROWS_TOLD_MAX = 1_000;
/** An intent that is older belongs to nobody who is still at it: longer than any statement may take. */
export const INTENT_SETTLE_MS = 5 * 60 * 1000;

/** Nothing leaves a local vault sooner, whatever was asked for. */
export const VAULT_RETAIN_MS_MIN = 7 * 24 * 60 * 60 * 1000;
/** What may go is said so long before it goes: the last chance to stop it. */
export const VAULT_PENDING_MS = 48 * 60 * 60 * 1000;
/** Objects up to this size share a file: a piece of WAL has some KB, and four of them come a second. */
export const VAULT_PACKED_BYTES_MAX = 256 * 1024;
/** A pack is closed and sealed at this size. */
export const VAULT_PACK_BYTES_MAX = 256 * 1024 * 1024;
/** A segment of a vault's manifest: some 40,000 lines. */
export const VAULT_MANIFEST_BYTES_MAX = 16 * 1024 * 1024;
/** A line of it: a key of 512 characters and under 500 of facts. */
export const VAULT_LINE_BYTES_MAX = 2_048;
/** How often a vault that stores nothing writes down that it watched. */
export const VAULT_BEAT_MS = 60 * 60 * 1000;
/** Wall and monotonic clock drift by seconds a day; more than this between two looks is a jump. */
export const VAULT_CLOCK_JUMP_MS_MAX = 60_000;
/** Kept free, so that the manifest can be written when bytes cannot. */
export const VAULT_RESERVE_BYTES = 32 * 1024 * 1024;
/** Bytes on their way to or from the vault's process that nobody has taken yet, per stream. */
export const VAULT_WINDOW_BYTES = 1024 * 1024;
/** One frame between Holdfast and the vault's process: what one read of a socket brings. */
export const VAULT_FRAME_BYTES_MAX = 64 * 1024;
/** A large object is written in pieces of this, each while the next one comes. */
export const VAULT_WRITE_BYTES = 1024 * 1024;
/** The first parts of a large object; 10,000 of them are S3's own limit, so they grow. */
export const VAULT_PART_BYTES = 16 * 1024 * 1024;
/** One request to an object store without a byte in either direction. */
export const VAULT_SILENCE_MS_MAX = 60_000;
/** Tries of one request to an object store that is away or busy. */
export const VAULT_TRIES_MAX = 4;
/** Requests at a time when a hostile mass delete is undone. */
export const VAULT_UNDELETE_AT_ONCE = 8;
/** One act of the blast-radius proof; what takes longer is UNKNOWN. */
export const PROOF_ACT_MS_MAX = 20_000;
/** The lock of a control: the clocks of the store and of this machine may be apart by about as much. */
export const PROOF_CONTROL_LOCK_MS = 15_000;
/** How long after its time a version that is still refused is taken to be held by something else. */
export const PROOF_CONTROL_LATE_MS = 45_000;
/** All of a control: its lock, the wait after it, and the answers. */
export const PROOF_CONTROL_MS_MAX = 120_000;
/** How long a canary is locked: longer than the daily proof needs, short enough to be swept. */
export const PROOF_CANARY_MS = 48 * 60 * 60 * 1000;

/** A database of this size is drilled after each backup, and witnessed; a larger one by its schedule only. */
export const DRILL_SMALL_BYTES_MAX = 8 * 1024 * 1024 * 1024;
/** Replaying the WAL of a day takes its time; a drill that takes longer has failed. */
export const DRILL_REPLAY_MS_MAX = 2 * 60 * 60 * 1000;
/** The vaults are tried this often ... */
export const PROOF_EVERY_MS = 24 * 60 * 60 * 1000;
/** ... and what was proven counts for so long. */
export const PROOF_AGE_MS_MAX = 26 * 60 * 60 * 1000;
/** What could not be done is tried again after this. */
export const RECOVERY_RETRY_MS = 15 * 60 * 1000;
/**
 * A quiet server is asked for a sign of life every three seconds: a smaller promise of what may be lost is
 * broken while nothing is wrong.
 */
export const RECOVERY_RPO_MS_MIN = 5_000;
/** How often the streams and orders are looked at ... */
export const RECOVERY_LOOK_MS = 2_000;
/** ... and how often the vaults: how each target stands, and what is due. */
export const RECOVERY_REPORT_MS = 20_000;
/** ... and how often what was found since is written into the trail, for reports. */
export const RECOVERY_MEASURED_MS = 60 * 60 * 1000;
/** A drill that could not run is tried again after that. */
export const DRILL_AGAIN_MS = 6 * 60 * 60 * 1000;
/** ... and after how long without a look nobody can say how a target stood meanwhile. */
export const RECOVERY_UNLOOKED_MS_MAX = 5 * 60_000;
/** After a point, until a gap asks for the next; or as long as that took, if it took longer. */
export const GAP_POINT_PAUSE_MS = 60_000;
/** From one drill of a large database to the next that a gap asks for: gaps in a row are one load, not many ... */
export const GAP_DRILL_PAUSE_MS = 60 * 60 * 1000;
/** ... and when they do not pass, or take longer, at most this. */
export const GAP_DRILL_PAUSE_MS_MAX = 24 * 60 * 60 * 1000;
/** Facts that are older count as not known: who said them is gone, or stuck. */
export const RECOVERY_REPORT_AGE_MS_MAX = 60_000;
/** A backup whose WAL has not reached the vault for so long is broken off: it could never be consistent. */
export const WAL_STUCK_MS = 60_000;
/** Orders of people on recovery that wait or run: heavy work goes one by one, and must not pile up. */
export const RECOVERY_ORDERS_MAX = 8;
/** Restored copies beside their targets at a time: each is a server with all the rows. */
export const RESTORES_MAX = 2;
/** A copy that nobody uses is discarded after this. */
export const RESTORE_IDLE_MS = 2 * 60 * 60 * 1000;
/** Whoever asks for a preview waits on the line for its turn among previews. */
export const RESTORE_TURN_MS_MAX = 60_000;
/** One statement of a preview, and all of it: a look must not wear the live server out. */
export const PREVIEW_STATEMENT_MS_MAX = 2 * 60 * 1000;
export const PREVIEW_MS_MAX = 10 * 60 * 1000;
/** How often the gateway looks for what a command asks of copies. */
export const RESTORE_ASKS_MS = 250;
/** How long a server that did not answer COMMIT is asked what became of it: a crash recovery takes about as long. */
export const COMMIT_LOOK_MS_MAX = 60_000;
/** One statement that compares or writes back a whole table. */
export const RESTORE_STATEMENT_MS_MAX = 60 * 60 * 1000;
/** A stream that is away for shorter is not news. */
export const WAL_TROUBLE_MS = 3_000;

/** Of a digest that somebody was shown, in characters: fewer could be anybody's. 64 bits, to compare by eye. */
export const DIGEST_SHOWN_CHARS_MIN = 16;

/** A longer period is asked for by mistake; three years is what auditors look back. */
export const REPORT_PERIOD_MS_MAX = 3 * 366 * 24 * 60 * 60 * 1000;
